"""A stand-in for Zuora Billing: its API over a tenant in memory, acts on it, faults, callouts, books for a judge.

`Sandbox` is the tenant with everything round it, `running` serves it, `World` is its master data,
`sandbox.zuora.acts` what can be done to it. It imports nothing of the product and talks to nobody but the receivers
of its callouts.
"""

from sandbox.zuora.callouts.configuration import BasicAuthentication, CalloutConfiguration, EventTrigger, Signature
from sandbox.zuora.faults import FAULTS, Fault
from sandbox.zuora.refusal import Refused
from sandbox.zuora.sandbox import Sandbox
from sandbox.zuora.server import create_app, running
from sandbox.zuora.settings import CalloutPolicy, Limits, Settings, merge_settings
from sandbox.zuora.world import Client, CustomField, World, read_world

__all__ = [
    "FAULTS",
    "BasicAuthentication",
    "CalloutConfiguration",
    "CalloutPolicy",
    "Client",
    "CustomField",
    "EventTrigger",
    "Fault",
    "Limits",
    "Refused",
    "Sandbox",
    "Settings",
    "Signature",
    "World",
    "create_app",
    "merge_settings",
    "read_world",
    "running",
]
