"""``localchat completion``: the scripts that let a shell complete our words, and how the shells are answered."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ZshComplete, split_arg_string

from localchat.cli.output import answer
from localchat.cli.parameters import wrong_usage
from localchat.cli.program import COMPLETE, Command
from localchat.cli.session import Session, pass_session
from localchat.errors import InvalidInput
from localchat.text import one_line

FUNCTION = "_localchat_completion"


class Bash(BashComplete):
    """Reads the line itself: bash cuts words at ``:`` and ``=``, which names have. What stands before the last of those
    in the word is taken off what is offered, since bash replaces only what follows it."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' line=${COMP_LINE:0:COMP_POINT} type value response
    local word=${line##*[[:space:]]} before=
    case $word in
        *[:=]*) before=${word%%${word##*[:=]}} ;;
    esac
    response=$(env COMP_LINE="$line" %(complete_var)s=bash_complete "$1")
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$(printf '%%q' "${value#"$before"}")") ;;
        esac
    done <<< "$response"
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        if "COMP_LINE" not in os.environ:  # asked by an older script
            return super().get_completion_args()
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)[1:]
        return (words, "") if line[-1:].isspace() or not words else (words[:-1], words[-1])


class Fish(FishComplete):
    """Descriptions whole: click's script cuts them at the first comma."""

    source_template = FishComplete.source_template.replace('string split ","', 'string split -m 1 ","')

    def format_completion(self, item: CompletionItem[str]) -> str:
        if item.type == "file":  # the word itself: it is completed as a path
            return f"file,{item.value}"
        return super().format_completion(item)


KINDS = {"bash": Bash, "zsh": ZshComplete, "fish": Fish}


def register() -> None:
    """Have click answer the shells as this file says."""
    from click.shell_completion import add_completion_class

    for name, kind in KINDS.items():
        add_completion_class(kind, name)


def script_for(shell: str) -> str:
    return KINDS[shell].source_template % {
        "complete_func": FUNCTION,
        "complete_var": COMPLETE,
        "prog_name": "localchat",
    }


def place_of(shell: str) -> Path:
    """Where that shell looks for a person's own completions."""
    data = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    return {
        "bash": data / "bash-completion" / "completions" / "localchat",
        "zsh": data / "zsh" / "site-functions" / "_localchat",
        "fish": config / "fish" / "completions" / "localchat.fish",
    }[shell]


@click.command(cls=Command)
@click.option("--install", is_flag=True, help="Write it where SHELL looks for it; folders are made.")
@click.argument("shell", type=click.Choice([*KINDS]), required=False)
@pass_session
def completion(session: Session, install: bool, shell: str | None) -> None:
    """Let the shell complete our words: print or install its script.

    It completes commands, options, files, models, providers and chats. Without SHELL it is the one you use.
    """
    shell = shell or _own_shell()
    script = script_for(shell)
    if not install:
        answer(session, {"shell": shell, "script": script}, script)
        return
    place = place_of(shell)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(script, "utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{one_line(str(place), 300)} cannot be written ({error.strerror or error}).",
            "Without --install the script is printed.",
        ) from error
    answer(session, {"shell": shell, "file": str(place)}, f"Wrote {one_line(str(place), 300)}.", _then(shell, place))


def _own_shell() -> str:
    """Raises UsageError where it is none that is known."""
    name = Path(os.environ.get("SHELL", "")).name
    if name not in KINDS:
        raise wrong_usage(f"Name the shell: {', '.join(KINDS)}.")
    return name


def _then(shell: str, place: Path) -> str:
    match shell:
        case "bash":
            return "New shells have it, if the package bash-completion is installed."
        case "zsh":
            return f"Put this before compinit in ~/.zshrc: fpath=({one_line(str(place.parent), 300)} $fpath)"
    return "New shells have it."
