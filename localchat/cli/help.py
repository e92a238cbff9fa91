"""The pages of ``--help``: examples at the end of each, whole sentences in lists, as wide as the terminal."""

from __future__ import annotations

import click

WIDEST = 10_000  # columns: the terminal's own width counts, not one of click's

# By the words of the command. Each of them is run against the program's own options in the tests.
EXAMPLES: dict[str, tuple[str, ...]] = {
    "": ("localchat", 'localchat ask "Why is the sky blue?"', "localchat --db work.db"),
    "ask": (
        'localchat ask "Why is the sky blue?"',
        'git diff | localchat ask "Write a commit message for this:"',
        'localchat ask -c -o temperature=0.2 "And in one sentence?"',
        'localchat ask -m ollama/qwen3:8b --extract "A regular expression for an ISO date"',
        "localchat ask --chat 12 --again",
        'localchat ask --temporary "What is a good present?"',
    ),
    "chats": ("localchat chats list", "localchat chats show 12", "localchat chats export 12 > chat.md"),
    "chats archive": ("localchat chats archive 12", "localchat chats archive 12 13 14"),
    "chats delete": ("localchat chats delete 12 13", "localchat chats delete --forever --yes 12"),
    "chats export": (
        "localchat chats export 12 > chat.md",
        "localchat chats export --all --format json -o chats.json",
    ),
    "chats fork": ("localchat chats fork 12", "localchat chats fork 12 --at 40"),
    "chats list": ("localchat chats list --limit 10", "localchat chats list --trash", "localchat chats list --json"),
    "chats model": ("localchat chats model 12", "localchat chats model 12 openai/gpt-4o"),
    "chats move": ("localchat chats move openai/gpt-4o ollama/qwen3:8b", "localchat chats move --undo"),
    "chats parameters": (
        "localchat chats parameters 12",
        "localchat chats parameters 12 -o temperature=0.2 --unset top_p",
    ),
    "chats pin": ("localchat chats pin 12",),
    "chats rename": ('localchat chats rename 12 "Locks in SQLite"',),
    "chats restore": ("localchat chats restore 12", "localchat chats restore 12 13"),
    "chats search": ('localchat chats search begin "immediate transaction"', "localchat chats search locks --limit 5"),
    "chats show": ("localchat chats show 12", "localchat chats show 12 --json"),
    "chats unarchive": ("localchat chats unarchive 12",),
    "chats unpin": ("localchat chats unpin 12",),
    "chats versions": ("localchat chats versions 12", "localchat chats versions 12 --show 40"),
    "models": ("localchat models list", "localchat models discover ollama", "localchat models default ollama/qwen3:8b"),
    "models add": (
        "localchat models add openai/gpt-4o -o temperature=0.2",
        "localchat models add local/mine --path ~/models/mine.gguf",
    ),
    "models default": ("localchat models default", "localchat models default ollama/qwen3:8b"),
    "models demote": ("localchat models demote ollama/qwen3:8b",),
    "models disable": ("localchat models disable openai/gpt-4o",),
    "models discover": ("localchat models discover ollama", "localchat models discover ollama --add qwen3:8b"),
    "models edit": (
        "localchat models edit openai/gpt-4o -o top_p=0.9 -o think=low",
        "localchat models edit openai/gpt-4o --unset temperature --no-context",
    ),
    "models enable": ("localchat models enable openai/gpt-4o",),
    "models list": ("localchat models list", "localchat models list --all --json"),
    "models pull": ("localchat models pull smollm2",),
    "models remove": (
        "localchat models remove openai/gpt-4o --dry-run",
        "localchat models remove openai/gpt-4o --default ollama/qwen3:8b --yes",
    ),
    "models restore": ("localchat models restore openai/gpt-4o",),
    "providers": ("localchat providers list", "localchat providers log", "localchat providers remove work --dry-run"),
    "providers add": (
        "localchat providers add ollama --kind openai --base-url http://localhost:11434/v1",
        "localchat providers add openai --kind openai --key-env OPENAI_API_KEY",
        "localchat providers add claude --kind anthropic --key-stdin",
    ),
    "providers disable": ("localchat providers disable work",),
    "providers edit": ("localchat providers edit openai --name work", "localchat providers edit work --no-key"),
    "providers enable": ("localchat providers enable work",),
    "providers list": ("localchat providers list", "localchat providers list --json"),
    "providers log": ("localchat providers log --limit 20",),
    "providers remove": ("localchat providers remove work --dry-run", "localchat providers remove work --yes"),
    "providers restore": ("localchat providers restore work",),
    "undo": ("localchat undo --list", "localchat undo"),
    "import": (
        "localchat import chats.json",
        "localchat import chatgpt-export.zip --dry-run",
        "localchat --db old.db chats export --all --format json | localchat import -",
    ),
    "backup": ("localchat backup", "localchat backup ~/backups/localchat.db --force"),
    "restore": ("localchat restore", "localchat restore ~/backups/localchat.db"),
    "doctor": ("localchat doctor", "localchat doctor --all --json"),
    "record": ("localchat record ollama", "localchat record ollama --off"),
    "demo": ("localchat demo",),
    "completion": ("localchat completion --install bash", "localchat completion zsh"),
}  # fmt: skip


def words_of(context: click.Context) -> str:
    """The words that name the command, without the program's own."""
    names: list[str] = []
    step: click.Context | None = context
    while step is not None and step.parent is not None:
        names.insert(0, step.info_name or "")
        step = step.parent
    return " ".join(names)


def write_examples(context: click.Context, formatter: click.HelpFormatter) -> None:
    """The examples of the command, a line each."""
    if examples := EXAMPLES.get(words_of(context), ()):
        with formatter.section("Examples"):
            for example in examples:
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")


def sentence_of(command: click.Command) -> str:
    """What the command does, in the whole sentences that its help begins with."""
    return " ".join((command.help or "").partition("\n\n")[0].split())


def write_commands(rows: list[tuple[str, str]], formatter: click.HelpFormatter) -> None:
    """The commands of a group, none of the sentences cut."""
    if rows:
        with formatter.section("Commands"):
            formatter.write_dl(rows)
