"""What signing in adds to the application: below /v1, and beside it."""

from __future__ import annotations

from litestar import Controller

from gateway.signin.links import InvitationController, InvitingController, PasswordResetController
from gateway.signin.oidc.api import OidcController

SIGNIN_CONTROLLERS: list[type[Controller]] = [InvitingController, InvitationController, PasswordResetController]
SIGNIN_ROUTES: list[type[Controller]] = [OidcController]
