"""What ops/README.md, the page for lab staff, gives to type."""

import re

from tests.ops.lab.containers.compose import PROJECT

PAGE = PROJECT / "ops" / "README.md"


def code_blocks(heading: str) -> list[str]:
    """The blocks of code under a heading of two or more signs that begins so, without their
    fences."""
    level = re.search(rf"^(##+) {re.escape(heading)}", PAGE.read_text(), re.MULTILINE)
    assert level is not None, f"the page has no heading {heading}"
    section = PAGE.read_text()[level.end() :]
    end = re.search(rf"^#{{2,{len(level[1])}}} ", section, re.MULTILINE)
    return re.findall(r"```\w*\n(.*?)```", section[: end.start() if end else None], re.DOTALL)
