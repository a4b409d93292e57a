"""Signed webhooks to integrators (Standard Webhooks): who wants which events, and how far each of them got."""
