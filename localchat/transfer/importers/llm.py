"""llm's ``logs.db``, all its generations: the message store of today, ``responses`` before it, ``logs`` before that.

What one conversation left in several of them becomes one tree: what was said in the same place with the same words is
one message.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localchat.transfer.importers.llm_parts import Parts
from localchat.transfer.importers.llm_tree import Said, Tree
from localchat.transfer.importers.reading import (
    at_once,
    columns,
    file_time,
    has,
    model_of,
    opened,
    rows,
    salvaged,
    stamped,
    text_of,
)
from localchat.transfer.importers.servers import located, of_llm
from localchat.transfer.portable import Found, Unreadable

KIND = "llm"
LABEL = "llm"

_RESPONSE = (
    "id model prompt system response conversation_id duration_ms datetime_utc input_tokens output_tokens reasoning"
    " resolved_model"
)


def sniff(path: Path) -> bool:
    return (
        has(path, threads="id tip_message_hash", turns="id thread_id model", parts="message_hash position type")
        or has(path, conversations="id name model", responses="id model prompt response")
        or has(path, logs="model prompt response chat_id")
        or has(path, log="model prompt response timestamp")
    )


def chats(path: Path) -> Iterator[Found]:
    time = file_time(path)
    servers = {model_of(name, KIND).ref: here for name, here in of_llm(path)}
    with opened(path) as connection:
        source = _Source(connection)
        for chat_id in source.ids():
            name = source.names.get(chat_id, "")
            found: Found
            try:
                with at_once(connection):
                    found = source.chat(chat_id, name, time)
            except (sqlite3.Error, ValueError) as error:
                found = Unreadable(name or f"conversation {chat_id}", str(error))
            yield located(found, servers)
        for table in ("logs", "log"):
            yield from (located(found, servers) for found in _first_logs(connection, table, time))


class _Source:
    """The two generations that share ids. What has no index there is looked through once, at the beginning."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._parts = Parts(connection)
        self._threads = columns(connection, "threads")
        self._responses: dict[str, list[tuple[int, str]]] = {}
        self._every_turn: list[dict[str, Any]] | None = None
        self.names: dict[str, str] = {}
        for table in ("conversations", "threads"):
            if {"id", "name"} <= columns(connection, table):
                named = salvaged(connection, f"select id, name from {table} not indexed")
                self.names |= {text_of(row["id"]): text_of(row["name"]) for row in named}
        there = columns(connection, "responses")
        self._columns = [name for name in _RESPONSE.split() if name in there]
        if "conversation_id" in there:
            listed = salvaged(connection, "select rowid as row, id, conversation_id from responses not indexed")
            for row in sorted(listed, key=lambda row: text_of(row["id"])):
                whose = text_of(row["conversation_id"]) or text_of(row["id"])
                self._responses.setdefault(whose, []).append((row["row"], row["id"]))

    def ids(self) -> list[str]:
        """They are ULIDs: the order in which they were begun."""
        return sorted({*self.names, *self._responses})

    def chat(self, chat_id: str, name: str, time: str) -> Found:
        tree = Tree()
        self._read_responses(tree, chat_id)
        if self._threads:
            self._read_thread(tree, chat_id)
        return tree.chat(KIND, chat_id, name, time, self._parts.taken_notes())

    # Before 0.32

    def _read_responses(self, tree: Tree, chat_id: str) -> None:
        at = tree.root
        for number, response_id in self._responses.get(chat_id, ()):
            wanted = f"select {', '.join(self._columns)} from responses where rowid = ?"
            row = next(iter(rows(self._connection, wanted, number)), None)
            if row is None:
                continue  # deleted there meanwhile
            told = self._parts.of_response(response_id)
            when = stamped(row.get("datetime_utc"))
            at = tree.system(at, told.with_fragments(text_of(row["system"]), system=True))
            at = at.aside(told.results)
            prompt = told.with_fragments(text_of(row["prompt"]))
            if prompt or told.images or not told.results:
                at = tree.say(at, Said("user", prompt, time=when, images=tuple(told.images)))
            at = at.aside([text_of(row.get("reasoning"))]).aside(told.calls)
            said = Said.by_model(text_of(row["response"]), row, when)
            at = tree.say(at, said) if said.content or not told.calls else at
        tree.end(at)

    # Since 0.32

    def _read_thread(self, tree: Tree, chat_id: str) -> None:
        """The line of the thread, then those that other turns in it ended in."""
        found = rows(self._connection, "select tip_message_hash as tip from threads where id = ?", chat_id)
        turns = rows(self._connection, "select * from turns where thread_id = ? order by id", chat_id)
        tips = [row["tip"] for row in found] + [turn["tip_message_hash"] for turn in reversed(turns)]
        for tip in tips:
            if tip is not None and tip not in tree.places:
                self._follow(tree, text_of(tip), turns)
                tree.keep_leaf()

    def _follow(self, tree: Tree, tip: str, turns: list[dict[str, Any]]) -> None:
        new = self._chain(tree, tip)
        by_tip, by_parent = self._turns(turns, [row["hash"] for row in new])
        at = tree.places[new[0]["parent_hash"]] if new and new[0]["parent_hash"] in tree.places else tree.root
        for row in new:
            own, asked = by_tip.get(row["hash"]), by_parent.get(row["hash"])
            told = self._parts.of_message(row["hash"])
            text = "\n\n".join(told.content)
            if row["role"] == "system":
                at = tree.system(at, text)
            elif row["role"] == "user":
                when = stamped((asked or {}).get("datetime_utc"))
                at = tree.say(at.aside(told.aside), Said("user", text, time=when, images=tuple(told.images)))
            elif row["role"] == "tool" or not text:
                at = at.aside([*told.content, *told.aside])
            else:
                said = Said.by_model(text, own, stamped((own or {}).get("datetime_utc")))
                at = tree.say(at.aside(told.aside), said)
            tree.places[row["hash"]] = at
        tree.end(at)

    def _chain(self, tree: Tree, tip: str) -> list[dict[str, Any]]:
        """From what is known already down to the tip. Messages are shared between threads; a chain that goes in a
        circle, which no hash can, ends there."""
        chain: list[dict[str, Any]] = []
        seen: set[str] = set()
        at: str | None = tip
        while at is not None and at not in tree.places and at not in seen:
            seen.add(at)
            found = rows(self._connection, "select hash, parent_hash, role from messages where hash = ?", at)
            if not found:
                tree.gap = True
                break
            chain.append(found[0])
            at = found[0]["parent_hash"]
        return chain[::-1]

    def _turns(
        self, turns: list[dict[str, Any]], hashes: list[str]
    ) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        """Who answered and when, by the hash of the answer and of the question. A fork shares messages whose turns
        stand in the thread that it came from."""
        by_tip = {turn["tip_message_hash"]: turn for turn in reversed(turns)}
        by_parent = {turn["parent_message_hash"]: turn for turn in reversed(turns)}
        if any(one not in by_tip and one not in by_parent for one in hashes):
            wanted = set(hashes)
            for turn in self._all_turns():
                if turn["tip_message_hash"] in wanted:
                    by_tip.setdefault(turn["tip_message_hash"], turn)
                if turn["parent_message_hash"] in wanted:
                    by_parent.setdefault(turn["parent_message_hash"], turn)
        return by_tip, by_parent

    def _all_turns(self) -> list[dict[str, Any]]:
        if self._every_turn is None:
            self._every_turn = rows(
                self._connection,
                "select id, parent_message_hash, tip_message_hash, model, datetime_utc, input_tokens, output_tokens,"
                " duration_ms from turns order by id",
            )
        return self._every_turn


# Before 0.5


def _first_logs(connection: sqlite3.Connection, table: str, time: str) -> Iterator[Found]:
    """One row is a question with its answer; rows of one chat name its first row."""
    there = columns(connection, table)
    if not {"model", "prompt", "response", "chat_id"} <= there:
        return
    wanted = [name for name in (*_RESPONSE.split(), "timestamp_utc", "timestamp") if name in there and name != "id"]
    groups: dict[str, list[int]] = {}
    for row in salvaged(connection, f"select rowid as row, chat_id from {table} order by rowid"):
        groups.setdefault(text_of(row["chat_id"] or row["row"]), []).append(row["row"])
    for group, numbers in groups.items():
        tree, first = Tree(), ""
        at = tree.root
        for number in numbers:
            [row] = rows(connection, f"select {', '.join(wanted)} from {table} where rowid = ?", number) or [{}]
            said_at = row.get("datetime_utc") or row.get("timestamp_utc") or row.get("timestamp")
            first = first or text_of(said_at)
            when = stamped(said_at)
            at = tree.system(at, text_of(row.get("system")))
            at = tree.say(at, Said("user", text_of(row.get("prompt")), time=when))
            at = tree.say(at, Said.by_model(text_of(row.get("response")), row, when))
        tree.end(at)
        yield tree.chat(KIND, f"log-{group}-{first}", "", time, [])
