"""Which mutants of a file are tested: replacements that make sense, and of many a fixed sample."""

import ast
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_item import MutationSpec, WorkItem

#: Operators by what replaces them. Others mostly raise TypeError and say nothing about tests.
REPLACEMENTS = {
    "Binary": "Add_Sub Add_Mul Sub_Add Sub_Mul Mul_Div Mul_Add Div_Mul Div_Sub FloorDiv_Mul "
    "FloorDiv_Div Mod_FloorDiv Mod_Mul Pow_Mul Pow_Add BitAnd_BitOr BitAnd_BitXor BitOr_BitAnd "
    "BitOr_BitXor BitXor_BitAnd BitXor_BitOr LShift_RShift RShift_LShift",
    "Comparison": "Eq_NotEq NotEq_Eq Lt_LtE Lt_GtE LtE_Lt LtE_Gt Gt_GtE Gt_LtE GtE_Gt GtE_Lt "
    "Is_IsNot IsNot_Is",
    "Unary": "USub_UAdd Delete_USub Delete_Not Delete_Invert",
}

#: And the other kinds: numbers plus and minus one, conditions, loops.
OTHERS = (
    "NumberReplacer AddNot ReplaceTrueWithFalse ReplaceFalseWithTrue ReplaceAndWithOr "
    "ReplaceOrWithAnd ReplaceBreakWithContinue ReplaceContinueWithBreak ExceptionReplacer "
    "ZeroIterationForLoop"
)

CHOSEN = {
    *(
        f"core/Replace{kind}Operator_{pair}"
        for kind, pairs in REPLACEMENTS.items()
        for pair in pairs.split()
    ),
    *(f"core/{name}" for name in OTHERS.split()),
}

Span = tuple[tuple[int, int], tuple[int, int]]


def choose(items: Iterable[WorkItem], source: Path) -> list[WorkItem]:
    """All mutants worth testing, in a random order that is always the same.

    The first so many are the sample, so that a larger one contains a smaller one.
    """
    spans = list(left_out(source.read_text(encoding="utf-8")))
    kept = [item for item in items if _is_chosen(item.mutations[0], spans)]
    kept.sort(key=lambda item: _place(item.mutations[0]))
    random.Random(source.name).shuffle(kept)
    text = source.read_text(encoding="utf-8")
    return [item for item in kept if _is_python(text, item.mutations[0])]


def left_out(source: str) -> Iterator[Span]:
    """Where a change is none of the program's results, as far as these depend on the input.

    Types, decorators, messages of exceptions, and whether `zip` insists on equal lengths.
    """
    lines = source.splitlines()

    def place(line: int, offset: int) -> tuple[int, int]:
        # Python counts bytes, Cosmic Ray characters.
        return line, len(lines[line - 1].encode()[:offset].decode())

    for node in ast.walk(ast.parse(source)):
        parts = [
            *getattr(node, "decorator_list", ()),
            *(getattr(node, name, None) for name in ("annotation", "returns")),
            node if isinstance(node, ast.Raise) else None,
            node if isinstance(node, ast.keyword) and node.arg == "strict" else None,
        ]
        for part in filter(None, parts):
            yield (
                place(part.lineno, part.col_offset),
                place(part.end_lineno, part.end_col_offset),
            )


def _is_chosen(mutation: MutationSpec, spans: list[Span]) -> bool:
    inside = any(start <= mutation.start_pos and mutation.end_pos <= end for start, end in spans)
    return mutation.operator_name in CHOSEN and not inside


def _is_python(text: str, mutation: MutationSpec) -> bool:
    """Whether a mutant can be loaded; Cosmic Ray takes the ** of {**a} for a power."""
    if "_Pow_" not in mutation.operator_name:
        return True
    operator = get_operator(mutation.operator_name)()
    try:
        ast.parse(mutate_code(text, operator, mutation.occurrence))
    except SyntaxError:
        return False
    return True


def _place(mutation: MutationSpec) -> tuple[tuple[int, int], str, int]:
    return mutation.start_pos, mutation.operator_name, mutation.occurrence


def change(diff: str) -> tuple[str, str]:
    """The line that a mutant changed, before and after, from its diff."""
    lines = diff.splitlines()
    was, now = (
        " ".join(line[1:].strip() for line in lines if re.match(rf"\{sign}(?!\{sign})", line))
        for sign in "-+"
    )
    return was, now
