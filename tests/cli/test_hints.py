"""Every hint that the command line can print names commands, and each works there and then.

Each scene brings a store into a state and runs a command that prints hints; all that these name is run, in that very
state, one after the other on copies of the store. What the sources could print is collected by reading them: a command
that no scene has printed fails the last test.
"""

from __future__ import annotations

import ast
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import keyring
import keyring.errors
import pytest

from localchat import errors
from tests.cli.conftest import Answer, Run
from tests.cli.test_providers import Memory
from tests.cli.test_providers import memory as memory
from tests.fakes import FakeEndpoint
from tests.providers.test_gguf import gguf
from tests.store.helpers import raw
from tests.store.test_damage import damage

ROOMS = Path(errors.__file__).parent
GRAVE = "insert into model_configs (provider, model, is_local, deleted_at) values ('{}', '{}', null, '2026-01-01')"
GONE = "sql:update model_configs set deleted_at = '2026-01-01' where model = 'z1'"
OFF = "sql:update model_configs set enabled = 0 where model = 'z1'"
LONG = "averylongnameofavariable"  # as long as a key, and no variable of that name is set


def foreign(path: Path, *statements: str) -> None:
    with raw(path) as other:
        for statement in statements:
            other.execute(statement)


@dataclass(frozen=True)
class Scene:
    """``before``: commands, or SQL of another program after ``sql:``. ``prints``: the command whose output is read,
    with ``stdin``. ``words``: what its placeholders stand for. ``pipes``: what a named command is given to read."""

    prints: tuple[str, ...]
    before: tuple[str, ...] = ()
    words: dict[str, str] = field(default_factory=dict)
    stdin: str = ""
    pipes: str = ""


# Provider z (echo) with z1, the default, and z2; chat 1 of z1, chat 2 of z2; local/smollm2.
TWO = (
    "models disable local/smollm2", "providers add z --kind echo", "models add z/z1", "models add z/z2",
    "models default z/z1", "ask hello", "ask -m z/z2 hello", "chats model 2 z/z2",
)  # fmt: skip
FAR = ("providers add far --kind openai --base-url https://far.invalid/v1", "models add far/f")
SCENES: dict[str, Scene] = {
    "a removal": Scene(("models", "remove", "z/z2", "--yes"), TWO),
    "a removal of a provider": Scene(
        ("providers", "remove", "z", "--yes"), TWO,
        {"add REF": "add local/mine --path {gguf}", "enable REF": "enable local/smollm2"},
    ),
    "a removed model": Scene(("models", "edit", "z/z2", "--context", "9"), (*TWO, "models remove z/z2 --yes")),
    "a removed provider": Scene(("providers", "enable", "z"), (*TWO, "providers remove z --yes")),
    "a model of a removed provider": Scene(("models", "restore", "z/z2"), (*TWO, "providers remove z --yes")),
    "a removed model whose name lives": Scene(
        ("models", "restore", "z/z2"),
        (*TWO, "models remove z/z2 --yes", "sql:insert into model_configs (provider, model) values ('z', 'z2')"),
    ),
    "a removed provider whose name is taken": Scene(
        ("providers", "restore", "z"), (*TWO, "providers remove z --yes", "providers add z --kind echo")
    ),
    "the model of an import": Scene(
        ("models", "restore", "p/m"), (*TWO, "sql:" + GRAVE.format("p", "m")), {"KIND": "echo"}
    ),
    "an import, and a provider of its name": Scene(
        ("providers", "add", "p", "--kind", "echo"), (*TWO, "sql:" + GRAVE.format("p", "m"))
    ),
    "the model of an import under a name that no provider can have": Scene(
        ("models", "restore", "Open AI/m"), (*TWO, "sql:" + GRAVE.format("Open AI", "m")), {"REF": "z/z1"}
    ),
    "a provider that was never there": Scene(("providers", "remove", "nobody", "--yes"), TWO),
    "a provider that was never removed": Scene(("providers", "restore", "nobody"), TWO),
    "a model that was never there": Scene(("models", "enable", "z/nothing"), TWO),
    "a model that was never removed": Scene(("models", "restore", "z/nothing"), TWO),
    "no ref": Scene(("models", "restore", "nothing"), TWO),
    "a model of no provider": Scene(
        ("models", "add", "nobody/x"), TWO, {"KIND": "echo", "NAME": "nobody"}
    ),
    "models of a provider that another program took": Scene(
        ("providers", "restore", "z"),
        (*TWO, "providers remove z --yes", "sql:insert into model_configs (provider, model) values ('z', 'z2')"),
    ),
    "no default": Scene(
        ("ask", "hello"), ("models disable local/smollm2", "providers add z --kind echo"), {"add REF": "add z/z1",
         "enable REF": "enable local/smollm2"},
    ),
    "the last default goes": Scene(
        ("models", "disable", "z/z1"), (*TWO, "models disable z/z2"),
        {"add REF": "add z/new", "enable REF": "enable z/z1"},
    ),
    "a new model beside the built-in one": Scene(("models", "add", "z/z1"), ("providers add z --kind echo",)),
    "a new provider": Scene(("providers", "add", "o", "--kind", "openai", "--base-url", "{server}"), ()),
    "a new provider of files": Scene(
        ("providers", "add", "box", "--kind", "embedded"), (), {"NAME": "mine", "FILE.gguf": "{gguf}"}
    ),
    "no terminal": Scene((), (), {"PROMPT": "hello", "localchat ask": "!"}),
    "a store whose rows point at nothing": Scene(
        ("backup", "{tmp}/copy.db"), (*TWO, "sql:insert into messages (chat_id, role, content, status)"
        " values (99, 'user', 'x', 'complete')"), {"localchat doctor": "!"},
    ),
    "consent": Scene(
        ("ask", "--chat", "1", "on"),
        (*TWO, *FAR, "models disable z/z2", "models remove z/z1 --yes --default far/f", "models enable z/z2"),
        {"REF": "z/z2", "--allow-remote": "!"},
    ),
    "no fallback": Scene(
        ("ask", "--chat", "1", "--no-fallback", "on"), (*TWO, "models remove z/z1 --yes"), {"REF": "z/z2"}
    ),
    "a model that is off": Scene(("ask", "-m", "z/z2", "on"), (*TWO, "models disable z/z2")),
    "a model whose provider is off": Scene(("models", "default", "z/z2"), (*TWO, "providers disable z")),
    "no chat": Scene(("ask", "--chat", "9", "on"), TWO),
    "a chat in the trash": Scene(("ask", "--chat", "1", "on"), (*TWO, "chats delete 1")),
    "into the trash": Scene(("chats", "delete", "1"), TWO),
    "into the archive": Scene(("chats", "archive", "1"), TWO),
    "pinned": Scene(("chats", "pin", "1"), TWO),
    "a chat of the trash is shown": Scene(("chats", "show", "1"), (*TWO, "chats delete 1")),
    "a chat of the archive is shown": Scene(("chats", "show", "1"), (*TWO, "chats archive 1")),
    "a message that is not there": Scene(("chats", "fork", "1", "--at", "99"), TWO),
    "chats moved": Scene(("chats", "move", "z/z1", "z/z2"), TWO),
    "no chats moved": Scene(("chats", "move", "--undo"), TWO),
    "a move from nobody": Scene(("chats", "move", "z/nothing", "z/z2"), TWO),
    "nothing to undo": Scene(("undo",), ()),
    "an undone rename whose name is taken": Scene(
        ("undo",),
        (*TWO, "providers edit z --name y", "sql:insert into providers (name, kind) values ('z', 'echo')"),
    ),
    "an undone rename of a model whose name is taken": Scene(
        ("undo",), (*TWO, "models edit z/z2 --name y2", "sql:insert into model_configs (provider, model, provider_id)"
        " select 'z', 'z2', id from providers where name = 'z'"),
    ),
    "an undo whose default is gone": Scene(
        ("undo",), (*TWO, "models default z/z2", GONE),
    ),
    "an undo whose default is off": Scene(
        ("undo",), (*TWO, "models default z/z2", OFF),
    ),
    "an undone removal without its key": Scene(
        ("undo",), ("providers add k --kind openai --base-url https://far.invalid/v1 --key-env K",
         "sql:update providers set key_source = 'keyring' where name = 'k'", "providers remove k --yes"),
        pipes="sk-0123456789abcdef",
    ),
    "a discovery of what is not offered": Scene(
        ("models", "discover", "z", "--add", "nothing"), TWO, {"models add": "!"}
    ),
    "a model that its endpoint does not have": Scene(
        ("ask", "-m", "o/gone-404", "on"), (*TWO, "providers add o --kind openai --base-url {server}",
         "models add o/gone-404"), {"REF": "z/z2", "PROMPT": "on"},
    ),
    "wrong usage": Scene(("models", "edit", "z/z1"), TWO),
    "a replay of an empty path": Scene(
        ("providers", "add", "r", "--kind", "replay", "--path", ""), TWO, {"ID": "1", "FILE": "{tmp}/out.json"}
    ),
    "a restore of no file": Scene(("restore", "{tmp}/none.db", "--yes"), TWO),
    "no backups": Scene(("restore",), TWO),
    "a key that may be one": Scene(
        ("providers", "add", "k", "--kind", "openai", "--base-url", "https://far.invalid/v1", "--key-env", LONG),
        TWO,
    ),
    "no keyring": Scene(
        ("providers", "add", "k", "--kind", "openai", "--base-url", "https://far.invalid/v1", "--key-stdin"),
        TWO, {"VAR": "K_KEY"}, stdin="sk-0123456789abcdef",
    ),
    "a removal that keeps a key": Scene(
        ("providers", "remove", "k", "--dry-run"),
        ("providers add k --kind openai --base-url https://far.invalid/v1 --key-env K",
         "sql:update providers set key_source = 'keyring' where name = 'k'"),
    ),
    "a key that is not set": Scene(
        ("ask", "-m", "k/m", "on"),
        (*TWO, "providers add k --kind openai --base-url {server} --key-env K_KEY", "models add k/m"),
        {"URL": "http://localhost:1/v1", "VAR": "OTHER_KEY"},
    ),
    "a store that is none": Scene(
        ("--db", "{tmp}/text.db", "chats", "list"), ("file:text.db",), {"FILE": "{tmp}/new.db"}
    ),
    "a store that is to be imported": Scene(("import", "{path}"), TWO, {"FILE": "{tmp}/out.json"}),
    "a damaged store": Scene(("chats", "rename", "1", "x"), (*TWO, "damage:messages"), {"FILE": "{tmp}/saved.db"}),
    "a rescue": Scene(("doctor", "--rescue", "{tmp}/saved.db"), TWO),
    "the doctor, of a model without provider": Scene(("doctor",), (*TWO, "sql:delete from providers where name = 'z'")),
    "the doctor, of a default that is off": Scene(("doctor",), (*TWO, OFF)),
    "the doctor, of a lost default": Scene(("doctor",), (*TWO, "sql:update model_configs set is_default = 0")),
    "the doctor, without any model": Scene(
        ("doctor",), ("models disable local/smollm2", "providers add z --kind echo"), {"REF": "z/z1"}
    ),
    "the doctor, of a default that is withdrawn": Scene(
        ("doctor",), (*TWO, "sql:update model_configs set delisted_at = '2026-01-01' where model = 'z1'")
    ),
}  # fmt: skip

# Other programs' commands, and two that need the network: not run here.
OTHERS = ("python -m keyring", "iconv ", "sqlite3 ", "< /dev/null", "/echo ", "localchat models pull", "{} -m pip")


class Stage:
    """A store in the state of a scene."""

    def __init__(self, run: Run, path: Path, server: str) -> None:
        self._run = run
        self._path = path
        self._server = server

    def fill(self, text: str) -> str:
        places = {"{tmp}": self._path.parent, "{path}": self._path, "{server}": self._server, "{gguf}": self._weights()}
        for name, value in places.items():
            text = text.replace(name, str(value))
        return text

    def _weights(self) -> Path:
        file = self._path.with_name("mine.gguf")
        if not file.exists():
            file.write_bytes(gguf())
        return file

    def set(self, before: tuple[str, ...], begun: dict[tuple[str, ...], Path]) -> None:
        """Bring the store into the state; what many scenes begin with is made once."""
        rest = before
        if before[: len(TWO)] == TWO:
            if TWO not in begun:
                self._do(TWO)
                self._checkpoint()
                begun[TWO] = self._path.with_name("two.db")
                shutil.copy(self._path, begun[TWO])
            else:
                shutil.copy(begun[TWO], self._path)
            rest = before[len(TWO) :]
        self._do(rest)

    def _checkpoint(self) -> None:
        foreign(self._path, "pragma wal_checkpoint(truncate)")

    def _do(self, steps: tuple[str, ...]) -> None:
        for step in steps:
            if step.startswith("sql:"):
                foreign(self._path, step[4:])
            elif step.startswith("damage:"):
                self._checkpoint()
                for ending in ("-wal", "-shm"):
                    Path(f"{self._path}{ending}").unlink(missing_ok=True)
                damage(self._path, step[7:])
            elif step.startswith("file:"):
                (self._path.parent / step[5:]).write_text("some words, " * 200, "utf-8")
            else:
                done = self._run(*shlex.split(self.fill(step)))
                assert done.code == 0, f"{step}: {done.err}"

    def show(self, scene: Scene) -> Answer:
        return self._run(*map(self.fill, scene.prints), stdin=scene.stdin)

    def follow(self, scene: Scene, named: str) -> Answer | None:
        """Do what a hint names; None where that is not for a test to do."""
        if named.startswith(OTHERS) or not named.startswith(("localchat ", "-")):
            return None
        for placeholder, meant in scene.words.items():
            if meant != "!":
                named = re.sub(rf"(?<![\w-]){re.escape(placeholder)}(?![\w-])", self.fill(meant), named)
        words = shlex.split(named)
        if words[0] != "localchat":
            return self._with_option(scene, words)
        if words[1:2] == ["--db"] and len(words) == 3:  # the app, which needs a terminal: that file is a store
            words = [*words, "chats", "list"]
        if words[1] == "restore" and len(words) > 2:  # it asks a person
            words.append("--yes")
        return self._run(*words[1:], stdin=scene.pipes)

    def _with_option(self, scene: Scene, option: list[str]) -> Answer:
        """The same command again with it, or without it where it was given."""
        words = [self.fill(word) for word in scene.prints]
        if option[0] in words and len(option) == 1:
            return self._run(*(word for word in words if word != option[0]))
        if option[0] in ("--key-env", "--key-stdin"):  # one goes in the place of the other
            words = [word for word in words if word not in ("--key-stdin", "--key-env", LONG)]
            return self._run(*words, *option, stdin="sk-0123456789abcdef")
        if option[0] in words:
            place = words.index(option[0])
            return self._run(*words[:place], *option, *words[place + 2 :])
        return self._run(*words, *option)


@pytest.fixture
def stage(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    for name in ("K", "K_KEY", LONG):
        monkeypatch.delenv(name, raising=False)
    with FakeEndpoint() as server:
        yield Stage(run, path, server.base_url("openai"))


@pytest.fixture(scope="module")
def begun() -> dict[tuple[str, ...], Path]:
    """Stores that several scenes begin with."""
    return {}


def named_in(answer: Answer) -> list[str]:
    """What stands in backticks in what was printed, each once."""
    return list(dict.fromkeys(re.findall(r"`([^`]+)`", f"{answer.out}\n{answer.err}")))


@pytest.mark.parametrize("name", SCENES)
def test_what_a_hint_names_works_there_and_then(
    stage: Stage, begun: dict[tuple[str, ...], Path], name: str, memory: Memory
) -> None:
    scene = SCENES[name]
    if name == "no keyring":
        keyring.set_keyring(Refusing())
    stage.set(scene.before, begun)
    shown = stage.show(scene)
    named = named_in(shown)
    assert named, f"no hint: {shown.out}{shown.err}"
    keyring.set_keyring(memory)
    for command in named:
        done = stage.follow(scene, command)
        if done is None:
            continue
        elsewhere = any(meant == "!" and word in command for word, meant in scene.words.items())
        if elsewhere:  # it goes on to what a test has not: another machine
            assert done.err.splitlines()[:1] != shown.err.splitlines()[:1], command
        else:
            assert done.code == 0, f"{command}: {done.err}"


class Refusing(Memory):
    """No keyring on this system."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise keyring.errors.NoKeyringError("none")


# What the sources could print.


def written(tree: ast.AST) -> Iterator[str]:
    """Every text of a module that is not read in its source or in a help: with ``{}`` for what is filled in."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))
        if isinstance(node, ast.keyword) and node.arg in ("help", "epilog"):
            skipped.update(id(each) for each in ast.walk(node.value))
        if isinstance(node, ast.JoinedStr) and id(node) not in skipped:
            skipped.update(id(each) for each in ast.walk(node) if each is not node)
            yield "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield re.sub(r"\{(subject|other)\}", "{}", node.value)


def could_be_named() -> dict[str, str]:
    """Each command or option that a text of the sources names in backticks, and the file that it stands in."""
    found: dict[str, str] = {}
    for file in sorted(ROOMS.rglob("*.py")):
        room = file.relative_to(ROOMS).parts[0]
        if room in ("tui", "testing.py", "pytest_plugin.py"):
            continue
        for text in written(ast.parse(file.read_text("utf-8"))):
            for named in re.findall(r"`([^`\n]+)`", text):
                if named.startswith(("localchat ", "-")) and "]" not in named:
                    found.setdefault(named, str(file.relative_to(ROOMS)))
    return found


def test_below_the_interfaces_no_text_names_a_command() -> None:
    """The remedy does, and each interface words it. What only `doctor` reads may: it is a command itself. For a damaged
    store there is no key: in the app, too, only commands help."""
    below = {named: file for named, file in could_be_named().items() if not file.startswith(("cli", "tui"))}
    assert set(below.values()) <= {"store/health.py", "providers/health.py", "store/soundness.py"}, below


def test_every_command_that_the_sources_name_is_run_by_a_scene(
    stage: Stage, path: Path, begun: dict[tuple[str, ...], Path], memory: Memory
) -> None:
    printed: set[str] = set()
    for scene in SCENES.values():
        for ending in ("", "-wal", "-shm"):
            Path(f"{path}{ending}").unlink(missing_ok=True)
        keyring.set_keyring(Refusing() if scene is SCENES["no keyring"] else memory)
        stage.set(scene.before, begun)
        printed.update(named_in(stage.show(scene)))
    never = {
        named: file
        for named, file in could_be_named().items()
        if not named.startswith(OTHERS)
        and not any(re.fullmatch(re.escape(named).replace(r"\{\}", ".+"), text) for text in printed)
    }
    assert never == {}
