"""The admin site of this project: its name, and no pages that show living API tokens."""

from django.contrib import admin
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

admin.site.site_header = admin.site.site_title = "EchoDesk"
admin.site.index_title = "Administration"

# simplejwt lists refresh tokens in the clear; whoever sees one can use it.
admin.site.unregister([BlacklistedToken, OutstandingToken])
