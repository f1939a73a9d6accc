"""Documents whose blocks are run line by line."""

import re


def steps(text):
    """(command, what it prints), in order. A line `$ …` is a command, `> …` goes on with it, others are printed."""
    found = []
    for line in re.findall(r"^    (.*)$", text, re.MULTILINE):
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif line.startswith("> "):
            found[-1][0] += "\n" + line[2:]
        else:
            found[-1][1].append(line)
    return found
