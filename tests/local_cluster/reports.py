"""What nodes say, in short: `report("7000", "7000 0-99", "7001 100-199", "7002 of 7000")`."""

from pyredis.local_cluster.node_reports import Report, parse_nodes


def id_of(port):
    return f"{port:0>40}"


def line(text, speaker):
    port, *words = text.split()
    flags = [word.strip("!") for word in words if word.startswith("!")]
    master = next((words[at + 1] for at, word in enumerate(words) if word == "of"), None)
    slots = [word for word in words if word[0] in "[0123456789" and word != master]
    flags = [*(["myself"] if port == speaker else []), "slave" if master else "master", *flags]
    return " ".join(
        (
            *(id_of(port), f"127.0.0.1:{port}@{int(port) + 10000}", ",".join(flags)),
            *(id_of(master) if master else "-", "0 0 1", "disconnected" if "fail" in flags else "connected", *slots),
        )
    )


def report(speaker, *lines, ok=True, epoch=1, keys=0):
    return Report(parse_nodes("\n".join(line(one, speaker) for one in lines)), ok, epoch, keys)
