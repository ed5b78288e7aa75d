"""Writes pairs of a public Sigma rule and a random event, as lines of JSON: {"file", "event"}.

Usage: pairs.py DIR COUNT SEED. Every rule below DIR gets as many events as every other one, COUNT in all. Most values are
made from those that the rule expects, so that its lines hold about half of the time; the same seed gives the same pairs.
"""

import base64
import ipaddress
import json
import random
import re
import sys
from pathlib import Path

import yaml

MODIFIERS_OF_ENCODINGS = {"utf16", "utf16le", "wide"}


def lines(node):
    """The lines of a selection: field, modifiers and values; the field of keywords is None."""
    if isinstance(node, dict):
        for key, values in node.items():
            field, *modifiers = key.split("|")
            values = values if isinstance(values, list) else [values]
            yield field or None, modifiers, values
    elif isinstance(node, list):
        if any(isinstance(element, dict) for element in node):
            for element in node:
                yield from lines(element)
        else:
            yield None, [], node
    else:
        yield None, [], [node]


def without_wildcards(text, dice):
    """A text that the pattern matches."""
    parts = re.findall(r"\\[\\*?]|.", text, re.DOTALL)
    fill = {"*": lambda: dice.choice(["", "x", "a b"]), "?": lambda: dice.choice("q7")}
    return "".join(fill[part]() if part in fill else part[-1] for part in parts)


def of_expression(text, dice):
    """A text with the longest literal of a regular expression; it need not match."""
    literals = re.findall(r"[A-Za-z0-9 ]+", re.sub(r"\\[a-zA-Z]|\{[^}]*\}|\[[^]]*\]", "|", text))
    literal = max(literals, key=len, default="x")
    return dice.choice(["", "x "]) + literal + dice.choice(["", " x", "=="])


def encoded(text, modifiers, dice):
    """The text in Base64, at one of the three offsets."""
    wide = bool(MODIFIERS_OF_ENCODINGS & set(modifiers))
    data = text.encode("utf-16-le" if wide else "utf-8")
    padding = b"p" * (dice.randrange(3) if "base64offset" in modifiers else 0)
    return base64.b64encode(padding + data + b"pp").decode()


def met(modifiers, values, dice):
    """A value of an event that meets the line, as far as this is simple to say."""
    value = dice.choice(values) if values else ""
    if "all" in modifiers:
        return dice.choice([" ", ""]).join(str(met(modifiers_without_all(modifiers), [v], dice)) for v in values)
    if value is None:
        return None
    if isinstance(value, bool):
        return dice.choice([value, str(value).lower(), str(value)])
    if "cidr" in modifiers:
        network = ipaddress.ip_network(value, strict=False)
        return str(network[dice.randrange(min(network.num_addresses, 200))])
    if isinstance(value, (int, float)):
        if {"lt", "lte", "gt", "gte"} & set(modifiers):
            return value + dice.choice([-1, 0, 1])
        return dice.choice([value, str(value)])
    text = str(value)
    if "re" in modifiers:
        return of_expression(text, dice)
    text = without_wildcards(text, dice)
    if "base64" in modifiers or "base64offset" in modifiers:
        text = encoded(text, modifiers, dice)
    if "windash" in modifiers:
        text = text.replace("-", dice.choice("-/"), 1)
    before = "" if "startswith" in modifiers else dice.choice(["", "C:\\x\\", "a"])
    after = "" if "endswith" in modifiers else dice.choice(["", ".txt", " -b"])
    if "contains" in modifiers:
        return before + text + after
    if "startswith" in modifiers:
        return text + after
    if "endswith" in modifiers:
        return before + text
    return text


def modifiers_without_all(modifiers):
    return [modifier for modifier in modifiers if modifier != "all"]


def changed(value, modifiers, dice):
    """Another value now and then: another letter case, a character less, a list, nothing.

    Base64 in another case is another text, and what is a little different from an address is none; engines that compare
    texts only decide both otherwise. SQLite knows the letters of ASCII alone.
    """
    chance = dice.random()
    if isinstance(value, str) and value:
        is_text = not {"base64", "base64offset", "cidr"} & set(modifiers)
        if chance < 0.25:
            return value.swapcase() if is_text and value.isascii() else value
        if chance < 0.4 and is_text:
            place = dice.randrange(len(value))
            return value[:place] + value[place + 1 :]
        if chance < 0.45:
            return [value, "other"]
    if chance > 0.97:
        return dice.choice([None, "", [], "other", 7])
    return value


def event(rule_lines, dice):
    result = {}
    by_field = {}
    for line in rule_lines:
        by_field.setdefault(line[0], []).append(line)
    for field, of_field in by_field.items():
        if dice.random() < 0.15:
            continue
        _, modifiers, values = dice.choice(of_field)
        if "fieldref" in modifiers:
            result[field] = result.get(values[0], "a")
        elif "exists" in modifiers:
            result[field] = "a"
        else:
            value = changed(met(modifiers, values, dice), modifiers, dice)
            if value is not None or dice.random() < 0.3:
                result[field or "message"] = value
    return result


def main():
    directory, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    files = sorted([*directory.rglob("*.yml"), *directory.rglob("*.yaml")])
    each = -(-count // len(files))
    for file in files:
        dice = random.Random(f"{seed} {file.name}")
        rule = next(iter(yaml.safe_load_all(file.read_text(encoding="utf-8"))))
        selections = {name: node for name, node in rule["detection"].items() if name not in ("condition", "timeframe")}
        rule_lines = [line for node in selections.values() for line in lines(node)]
        for _ in range(each):
            print(json.dumps({"file": str(file), "event": event(rule_lines, dice)}))


main()
