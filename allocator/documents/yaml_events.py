"""The events of a YAML text, by the C parser where there is one; what is no YAML is told by its line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from allocator.documents.errors import DocumentError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@contextmanager
def events(text: str) -> Iterator[Any]:
    """A PyYAML loader, of which only the events are used. Raises DocumentError where syntax is bad."""
    loader = None
    try:
        loader = _Loader(text)
        yield loader
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise DocumentError("The text holds half a character.", "Maybe save it as UTF-8.", line=line) from error
    except yaml.reader.ReaderError as error:
        line = text.encode(errors="surrogatepass")[: error.position].count(b"\n") + 1
        raise DocumentError(
            "The text holds a control character.", "Maybe remove what an editor does not show.", line=line
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise DocumentError(
            f"This is not YAML: {error.problem or 'it cannot be parsed'}.",
            "Maybe check brackets, quotes, indentation by spaces, and the space after each colon.",
            line=None if mark is None else mark.line + 1,
        ) from error
    finally:
        if loader is not None:
            loader.dispose()
