"""Mail handed to us over SMTP or LMTP: it is ours, and answered so, once the journal has it."""

from __future__ import annotations

from gateway.smtpd.running import Listening, load_certificate, open_smtpd, run_smtpd

__all__ = ["Listening", "load_certificate", "open_smtpd", "run_smtpd"]
