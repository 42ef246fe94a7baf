"""Routes of the legal pages."""

from django.urls import path

from legal import views

app_name = "legal"

urlpatterns = [
    path("privacy/", views.PrivacyView.as_view(), name="privacy"),
    path("terms/", views.TermsView.as_view(), name="terms"),
    path("data-deletion/", views.DataDeletionView.as_view(), name="data_deletion"),
]
