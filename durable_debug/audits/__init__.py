"""Audits: many histories against one handler, in processes of their own, and what they have in common."""

from durable_debug.audits.audit import audit
from durable_debug.audits.deploy import DeployCheck, deploy_check
from durable_debug.audits.report import Report

__all__ = ["DeployCheck", "Report", "audit", "deploy_check"]
