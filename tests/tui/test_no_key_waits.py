"""Read from the source: no handler of a key, a message or a timer awaits the store, and no task is without an owner.

Such a handler runs on the message pump of its widget or of the app: while it waits, every later key waits with it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import localchat.tui

FOLDER = Path(localchat.tui.__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))
WAIT = {"patiently", "written", "push_screen_wait"}  # these wait for the store, or for a person
HANDLERS = ("action_", "on_", "_on_", "watch_", "_watch_", "key_", "compute_", "validate_")
TIMERS = {"set_timer", "set_interval", "call_later", "call_after_refresh", "call_next", "watch"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def parsed() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def name_of(node: ast.expr) -> str:
    match node:
        case ast.Call(func=function):
            return name_of(function)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def awaited(function: Function) -> Iterator[str]:
    """Names of what a function awaits itself, not in a function inside of it."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Await):
            yield name_of(node.value)
        todo.extend(ast.iter_child_nodes(node))


def is_worker(function: Function) -> bool:
    return any(name_of(each) == "work" for each in function.decorator_list)


def waiting(trees: dict[Path, ast.Module]) -> set[str]:
    """Names of functions of this room that wait, themselves or through another."""
    calls = {
        function.name: set(awaited(function))
        for tree in trees.values()
        for function in functions(tree)
        if not is_worker(function)
    }
    found = set(WAIT)
    while more := {name for name, names in calls.items() if name not in found and names & found}:
        found |= more
    return found


def handlers(tree: ast.Module) -> Iterator[Function]:
    """Handlers by name, by ``@on``, and what is handed to a timer or a watcher."""
    handed = {
        name_of(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and name_of(node) in TIMERS
        for argument in node.args
    }
    for function in functions(tree):
        decorated = any(name_of(each) == "on" for each in function.decorator_list)
        if function.name.startswith(HANDLERS) or decorated or function.name in handed:
            yield function


def offenders(trees: dict[Path, ast.Module]) -> list[str]:
    slow = waiting(trees)
    return [
        f"{path.name}: {function.name} awaits {name}"
        for path, tree in trees.items()
        for function in handlers(tree)
        if not is_worker(function)
        for name in awaited(function)
        if name in slow
    ]


def test_no_handler_waits_on_the_message_pump() -> None:
    assert offenders(parsed()) == []


@pytest.mark.parametrize(
    "source",
    [
        "class A:\n async def action_save(self):\n  await patiently(lambda: 1)",
        "class A:\n @on(B)\n async def _save(self):\n  await self.app.written('x', lambda: 1)",
        "class A:\n async def _save(self):\n  await self._store()\n async def _store(self):\n  await patiently(f)\n"
        " def on_mount(self):\n  self.set_timer(1, self._save)",
    ],
)
def test_the_check_sees_a_handler_that_waits(source: str) -> None:
    assert len(offenders({Path("a.py"): ast.parse(source)})) == 1


def test_the_check_lets_workers_wait() -> None:
    source = "class A:\n @work\n async def action_save(self):\n  await patiently(lambda: 1)"
    assert offenders({Path("a.py"): ast.parse(source)}) == []


def test_every_write_stands_in_the_one_queue() -> None:
    """Beside it, a write would be lost at the end without a word, and could overtake one that was asked for before."""
    beside = {path.name for path in FILES if "patiently" in path.read_text(encoding="utf-8")}
    assert beside == set()


def test_every_task_has_an_owner() -> None:
    bare = {
        f"{path.name}: {name_of(node)}"
        for path, tree in parsed().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and name_of(node) in {"create_task", "ensure_future"}
    }
    assert bare == {"tasks.py: create_task"}
