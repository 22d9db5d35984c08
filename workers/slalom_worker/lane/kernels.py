"""Notes which torch operations without a deterministic kernel the trials were trained by."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

SAYS = "(.+?) (?:does not have a deterministic implementation|defaults to a non-deterministic algorithm)"
"""A pattern for the beginning of torch's warnings, with the operation's name. Torch warns of attention only once in a
process.
"""


def ask_for_deterministic_kernels() -> None:
    """Have torch take deterministic kernels where it has them, and warn each time where it has none.

    Torch would then also fill new tensors; that is switched off, since no tensor here is read before it is written.
    """
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    warnings.filterwarnings("always", SAYS, UserWarning)


@dataclass
class Kernels:
    """The operations without a deterministic kernel that torch has warned of in this process, by program.

    Torch warns only after `ask_for_deterministic_kernels`.
    device: the kind of device, for messages
    """

    device: str
    _names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _fresh: list[str] = field(default_factory=list)

    @contextmanager
    def heard(self, program: str) -> Iterator[None]:
        """A context that notes the operations torch warns of as the program's, and passes other warnings on."""
        before = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            found = re.match(SAYS, str(message))
            if found is None:
                before(message, category, filename, lineno, file, line)
            else:
                self._keep(program, found[1])

        warnings.showwarning = show
        try:
            yield
        finally:
            warnings.showwarning = before

    def of(self, program: str) -> tuple[str, ...]:
        """The names of a program's operations without a deterministic kernel, sorted."""
        return tuple(sorted(self._names.get(program, ())))

    def told(self) -> list[str]:
        """A remark, for people, on each operation that was noted for the first time since the last call."""
        fresh, self._fresh = self._fresh, []
        return [
            f"not deterministic on {self.device}: {name}; trials that use it may come out otherwise when they are "
            "trained again"
            for name in fresh
        ]

    def _keep(self, program: str, name: str) -> None:
        if not any(name in names for names in self._names.values()):
            self._fresh.append(name)
        self._names[program].add(name)
