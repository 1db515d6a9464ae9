"""The kind of processor: training gives the same bytes on one kind only."""

from __future__ import annotations

from pathlib import Path

#: Instruction sets for which libraries have kernels of their own.
_SETS = ("sse", "ssse", "avx", "amx", "fma", "f16c", "asimd", "sve", "sme")


def kind(cpuinfo: Path = Path("/proc/cpuinfo")) -> str | None:
    """Return vendor and instruction sets of this machine's processor; None where the system does not say.

    As Linux names them; on another system no machine counts as of the same kind.
    """
    try:
        lines = [line.partition(":") for line in cpuinfo.read_text().splitlines()]
    except OSError:
        return None
    said: dict[str, str] = {}
    for key, _, value in lines:
        said.setdefault(key.strip(), value.strip())
    vendor = said.get("vendor_id") or said.get("CPU implementer")
    flags = (said.get("flags") or said.get("Features") or "").split()
    sets = sorted(flag for flag in flags if flag.startswith(_SETS))
    return f"{vendor}: {' '.join(sets)}" if vendor and sets else None
