"""Prompts as files: a room's `prompts/<name>.txt` is a jinja2 template, and its hash stands in every row it made."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2

from stages.base.errors import InputError

_JINJA = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)


class Prompt:
    """One prompt file: its template and the template's hash."""

    def __init__(self, folder: Path, name: str) -> None:
        """Read `<folder>/<name>.txt`.

        Raises:
            InputError: no such file, or it is no template; names those that there are.
        """
        file = folder / f"{name}.txt"
        try:
            self.text = file.read_text(encoding="utf-8").strip()
            self._template = _JINJA.from_string(self.text)
        except FileNotFoundError:
            known = ", ".join(sorted(path.stem for path in folder.glob("*.txt")))
            raise InputError("no such prompt", file=file, do=f"write it, or name one of: {known}") from None
        except jinja2.TemplateSyntaxError as error:
            raise InputError(f"not a template: {error.message}", file=file, row=error.lineno, do="mend it") from None
        self.file = file

    @cached_property
    def hash(self) -> str:
        """Hash of the template's text: the column `prompt_hash`."""
        return hashlib.blake2b(self.text.encode(), digest_size=8).hexdigest()

    def fill(self, **values: Any) -> str:
        """Return the prompt with `values` in their places.

        Raises:
            InputError: the template asks for a value that is not there.
        """
        try:
            return self._template.render(**values).strip()
        except jinja2.UndefinedError as error:
            raise InputError(
                f"the template needs what is not there: {error.message}", file=self.file, do=f"use {', '.join(values)}"
            ) from None
