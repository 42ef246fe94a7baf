"""The public legal pages; they need no session, so that proxies may keep them."""

from typing import Any

from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.generic import TemplateView


@method_decorator(cache_control(public=True, max_age=3600), name="get")
class LegalPageView(TemplateView):
    """A read-only page; the operator's details are read by its template."""

    http_method_names = ["get", "head"]
    page = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the name of the page."""
        return super().get_context_data(current_page=self.page, **kwargs)


class PrivacyView(LegalPageView):
    """What is stored, why, for how long and for whom."""

    page = "privacy"
    template_name = "legal/privacy.html"


class TermsView(LegalPageView):
    """The conditions under which a business may use the service."""

    page = "terms"
    template_name = "legal/terms.html"


class DataDeletionView(LegalPageView):
    """How to have data deleted, step by step."""

    page = "data_deletion"
    template_name = "legal/data_deletion.html"
