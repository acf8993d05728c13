"""Reads a page into elements and text, and notes elements that are not closed in order."""

from html.parser import HTMLParser

from msgspec import Struct

VOID = {"meta", "input", "br", "wbr", "hr", "link", "img"}
SHAPES = {"path", "rect"}


class Element(Struct):
    tag: str
    attributes: dict[str, str]
    text: str = ""


class Page(Struct):
    elements: list[Element]
    text: str
    mistakes: list[str]

    def first(self, tag: str) -> Element:
        return next(element for element in self.elements if element.tag == tag)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.text: list[str] = []
        self.mistakes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID | SHAPES:
            self.mistakes.append(f"<{tag}/>")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].tag != tag:
            self.mistakes.append(f"</{tag}> closes {[element.tag for element in self.open[-3:]]}")
            return
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data if len(self.open) - self.open.index(element) < 4 else ""
        if not {"script", "style"} & {element.tag for element in self.open}:
            self.text.append(data)


def parse(source: str) -> Page:
    reader = _Reader()
    reader.feed(source)
    reader.close()
    left = [f"<{element.tag}> is not closed" for element in reader.open]
    return Page(reader.elements, "".join(reader.text), reader.mistakes + left)
