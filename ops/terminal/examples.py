"""Examples that close the help of commands."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "run": (
        "facemirror run smile.mov brows.mov --out results",
        "facemirror run recordings/ --out results --aus openface2",
    ),
    "demo": ("facemirror demo", "facemirror demo --left 0.3 --provider cpu"),
    "tune": ("facemirror tune", "facemirror tune --aus openface2"),
    "doctor": ("facemirror doctor", "facemirror doctor --weights demo --json"),
    "submit": (
        "facemirror submit recordings/ --out results --name smiles --watch",
        "facemirror submit list.csv --out results --priority high --pseudonymize",
    ),
    "status": ("facemirror status", "facemirror status smiles --watch"),
    "cancel": ("facemirror cancel smiles",),
    "retry": ("facemirror retry smiles --failed",),
    "studies": ("facemirror studies",),
    "server": (
        "facemirror server",
        "facemirror server --redis-budget 4GiB --metrics 127.0.0.1:9540",
    ),
    "worker": (
        "facemirror worker --weights weights/",
        "facemirror worker --provider coreml --name mac-3 --install-launchd",
    ),
    "health": ("facemirror health server", "facemirror health worker --name mac-3"),
    "flower": ("facemirror flower", "facemirror flower --port 8080 --password-file flower.txt"),
    "weights fetch": (
        "facemirror weights fetch --accept-license",
        "facemirror weights fetch --aus openface2 --accept-license",
    ),
    "weights convert": (
        "facemirror weights convert",
        "facemirror weights convert --checkpoints downloads/ --out weights/",
    ),
    "weights quantize": ("facemirror weights quantize recordings/ --weights weights/",),
    "weights verify": ("facemirror weights verify", "facemirror weights verify --aus openface2"),
    "weights list": ("facemirror weights list --weights weights/",),
}
"""By the command's name. Who submits or serves has FACEMIRROR_BROKER set."""


def examples(command: str) -> str:
    """What closes the command's help. typer makes a line of each paragraph."""
    lines = EXAMPLES[command]
    return "\n\n".join(("Examples:" if len(lines) > 1 else "Example:", *lines))
