"""Turns the figures of peers.py into tables (docs/performance.md) and bars (docs/performance.svg)."""
import math
import os
import statistics

from engines import ROOT

PAGE = os.path.join(ROOT, "docs", "performance.md")
CHART = os.path.join(ROOT, "docs", "performance.svg")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
NAMES = {"tinydnn": "tinydnn", "tinydnn-fast": "tinydnn, bf16", "onnxruntime": "ONNX Runtime",
         "opencv": "OpenCV"}
COLOURS = {"tinydnn": "#1b6ca8", "tinydnn-fast": "#74b3d8", "onnxruntime": "#8a8d91",
           "opencv": "#c9cbcd"}


def median(rounds, key):
    values = [r[key] for r in rounds or [] if r.get(key) is not None]
    return statistics.median(values) if values else None


def warm(rounds):
    return median(rounds, "median_ms")


def first_result(rounds):
    load, first = median(rounds, "load_ms"), median(rounds, "first_ms")
    return None if load is None or first is None else load + first


def memory(rounds):
    """KiB that loading and running the model added to the process."""
    peak, base = median(rounds, "peak_rss_kb"), median(rounds, "base_rss_kb")
    return None if peak is None or base is None else peak - base


def ratio(ours, theirs):
    return ours / theirs if ours and theirs else None


def mean(ratios):
    known = [r for r in ratios if r]
    return math.exp(statistics.fmean(map(math.log, known))) if known else None


def text(value, form):
    return "–" if value is None else form % value


def one_line(name, result):
    words = ["%-22s" % name]
    for threads, by in result["threads"].items():
        ours, fast = warm(by.get("tinydnn")), warm(by.get("tinydnn-fast"))
        words.append("%s: %s ms" % (threads, text(ours, "%.2f")))
        for peer in ("onnxruntime", "opencv"):
            words.append("/%s %s" % (peer, text(ratio(ours, warm(by.get(peer))), "%.2f")))
        if fast:
            words.append("fast %s" % text(ratio(fast, warm(by.get("onnxruntime"))), "%.2f"))
    return " ".join(words) + "".join("  (%s: %.60s)" % e for e in result["errors"].items())


HEADS = ["network", "GFLOP", "tinydnn ms", "GFLOP/s", "of peak", "ORT ms", "/ ORT", "OpenCV ms",
         "/ OpenCV", "bf16 ms", "bf16 / ORT", "first result / ORT", "memory / ORT"]


def row(name, result, threads, peak):
    by = result["threads"][threads]
    ours, fast = by.get("tinydnn"), by.get("tinydnn-fast")
    ort, opencv = by.get("onnxruntime"), by.get("opencv")
    speed = result["gflop"] / warm(ours) * 1e3 if ours else None
    return [name, result["gflop"], warm(ours), speed,
            speed / (peak * int(threads)) * 100 if speed and peak else None,
            warm(ort), ratio(warm(ours), warm(ort)), warm(opencv), ratio(warm(ours), warm(opencv)),
            warm(fast), ratio(warm(fast), warm(ort)), ratio(first_result(ours), first_result(ort)),
            ratio(memory(ours), memory(ort))]


FORMS = ["%s", "%.2f", "%.2f", "%.0f", "%.0f %%", "%.2f", "**%.2f**", "%.1f", "%.2f", "%.2f", "%.2f",
         "%.2f", "%.2f"]
RATIOS = (6, 8, 10, 11, 12)
SETS = (("torchvision", "torchvision's networks"), ("others", "Other networks"),
        ("models", "Trained models"))


def table(networks, threads, peak):
    rows = [row(n, r, threads, peak) for n, r in networks.items() if threads in r["threads"]]
    if not rows:
        return ""
    last = ["geometric mean"] + [mean([r[i] for r in rows]) if i in RATIOS else None
                                 for i in range(1, len(HEADS))]
    lines = ["| " + " | ".join(HEADS) + " |", "|---|" + "---:|" * (len(HEADS) - 1)]
    lines += ["| " + " | ".join(text(v, f) for v, f in zip(r, FORMS)) + " |" for r in rows]
    lines.append("| " + " | ".join("" if v is None else text(v, f)
                                   for v, f in zip(last, FORMS)) + " |")
    return "\n".join(lines) + "\n"


def efficiency(networks):
    """Parallel efficiency of 2 threads, ours and ONNX Runtime's, of what takes above 5 ms."""
    found = {engine: [] for engine in ("tinydnn", "onnxruntime")}
    for result in networks.values():
        one, two = result["threads"].get("1", {}), result["threads"].get("2", {})
        for engine, values in found.items():
            a, b = warm(one.get(engine)), warm(two.get(engine))
            if a and b and a > 5:
                values.append(a / b / 2)
    if not found["tinydnn"]:
        return ""
    return ("Parallel efficiency on 2 threads (time on one, over twice that on two), networks above "
            "5 ms, geometric mean: %s.\n" %
            ", ".join("%s %.2f" % (NAMES[e], mean(v)) for e, v in found.items() if v))


def tables(results):
    m, out = results["machine"], []
    if m:
        out.append("%s, %d CPUs, level %s. One core, measured: %.0f GFLOP/s of float "
                   "multiply-adds%s; copies (read + written) %.0f GB/s in the L2 cache, %.0f GB/s "
                   "beyond.\n" % (m["model"], m["cpus"], m["cpu"], m["gflops"],
                                  ", %.0f GFLOP/s of bf16 tiles" % m["amx_gflops"]
                                  if m["amx_gflops"] else "", m["near_gb"], m["far_gb"]))
    for kind, title in SETS:
        networks = {n: r for n, r in results["networks"].items() if r["set"] == kind}
        for threads in sorted({t for r in networks.values() for t in r["threads"]}, key=int):
            out.append("### %s, %s thread%s\n" % (title, threads, "s" * (threads != "1")))
            out.append(table(networks, threads, m.get("gflops")))
    out.append(efficiency(results["networks"]))
    return "\n".join(part for part in out if part)


class Chart:
    """Bars that grow to the right, as SVG."""

    ROW, BAR, LEFT, WIDTH = 16, 7, 190, 380

    def __init__(self):
        self.parts, self.y = [], 0

    def label(self, x, y, words, anchor="start", weight="normal", size=12):
        self.parts.append('<text x="%g" y="%g" text-anchor="%s" font-weight="%s" font-size="%d">%s'
                          '</text>' % (x, y, anchor, weight, size, words))

    def rect(self, x, y, width, height, colour):
        self.parts.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>' %
                          (x, y, width, height, colour))

    def line(self, x, top, bottom):
        self.parts.append('<line x1="%g" y1="%g" x2="%g" y2="%g" stroke="#444" '
                          'stroke-dasharray="3 3"/>' % (x, top, x, bottom))

    def text(self, width):
        head = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
                'font-family="sans-serif">' % (width, self.y, width, self.y))
        return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *self.parts,
                          "</svg>"]) + "\n"


def panel(chart, x, top, networks, threads, scale, names):
    """Times as a share of ONNX Runtime's; returns the y below."""
    y = top
    drawn = [e for e in ("tinydnn", "tinydnn-fast", "opencv")]
    for name, result in networks.items():
        by = result["threads"].get(threads, {})
        base = warm(by.get("onnxruntime"))
        bars = [(e, ratio(warm(by.get(e)), base)) for e in drawn if warm(by.get(e))]
        if names:
            chart.label(x - 8, y + len(drawn) * chart.BAR / 2 + 5, name.rpartition(".")[2][:26], "end")
        for engine, share in bars:
            if share is None:
                continue
            length = min(share, scale) / scale * chart.WIDTH
            chart.rect(x, y, length, chart.BAR, COLOURS[engine])
            if engine != "opencv" or share > scale:
                chart.label(x + length + 3, y + chart.BAR, "%.2f" % share, size=8)
            y += chart.BAR
        y = top = top + len(drawn) * chart.BAR + 7
    return y


def chart(results):
    networks = {n: r for n, r in results["networks"].items()
                if any("onnxruntime" in by for by in r["threads"].values())}
    threads = sorted({t for r in networks.values() for t in r["threads"]}, key=int)
    c, scale = Chart(), 3.0
    c.label(10, 24, "Time of a run as a share of ONNX Runtime's (dashed line: equal; shorter is "
            "faster)", weight="bold", size=14)
    at = 10
    for engine in ("tinydnn", "tinydnn-fast", "opencv"):
        c.rect(at, 38, 12, 12, COLOURS[engine])
        c.label(at + 18, 48, NAMES[engine])
        at += 130
    bottom = 100
    for i, number in enumerate(threads):
        x = c.LEFT + i * (c.WIDTH + 50)
        c.label(x, 80, "%s thread%s" % (number, "s" * (number != "1")), weight="bold")
        bottom = panel(c, x, 92, networks, number, scale, i == 0)
        c.line(x + c.WIDTH / scale, 86, bottom)
    c.y = bottom + 10
    return c.text(max(760, c.LEFT + len(threads) * (c.WIDTH + 50)))


def write(results):
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    head, rest = page.split(BEGIN)
    tail = rest.split(END)[1]
    body = tables(results)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(head + BEGIN + "\n\n" + body + "\n" + END + tail)
    with open(CHART, "w", encoding="utf-8") as file:
        file.write(chart(results))
    print("\n" + body)
