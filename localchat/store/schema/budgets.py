"""The step of the schema that keeps what a provider's server may cost, where that is not what localchat allows."""

from __future__ import annotations

BUDGETS = """
alter table providers add column limits text not null default '{}' check (json_valid(limits));
"""
