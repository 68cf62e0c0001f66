"""Plots as SVG that read well on light and dark pages: horizontal bars, and lines over a logarithmic axis."""

import math
from html import escape

STYLE = """
  svg { --ink: #1f2328; --soft: #656d76; --line: #d8dee4; --page: #ffffff;
        --ours: #0969da; --base: #8c959f; --other: #bc4c00; --more: #1a7f37; }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e6edf3; --soft: #8d96a0; --line: #30363d; --page: #0d1117;
          --ours: #58a6ff; --base: #6e7681; --other: #f0883e; --more: #3fb950; }
  }
  .page { fill: var(--page); } .grid { stroke: var(--line); stroke-width: 1; }
  text { fill: var(--ink); font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
  .title { font-size: 15px; font-weight: 600; } .soft { fill: var(--soft); font-size: 12px; }
  .ours { fill: var(--ours); } .base { fill: var(--base); } .other { fill: var(--other); }
  .more { fill: var(--more); }
  path.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
  path.ours, circle.ours { stroke: var(--ours); } path.other, circle.other { stroke: var(--other); }
  path.more, circle.more { stroke: var(--more); } path.base, circle.base { stroke: var(--base); }
"""
WIDTH, LEFT, RIGHT, ROW, TOP = 760, 190, 70, 28, 66


def figure(height, title, subtitle, parts):
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
        f' height="{height}" role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>',
        f'<text class="title" x="18" y="28">{escape(title)}</text>',
        f'<text class="soft" x="18" y="47">{escape(subtitle)}</text>',
    ]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"


def bars(title, subtitle, rows, form="{:,.0f}", logarithmic=False):
    """`rows` are (label, value, kind): the kind is `ours`, `base` or `other`."""
    rows = [row for row in rows if row[1]]
    if not rows:
        return None
    most = max(value for _, value, _ in rows)
    least = min(value for _, value, _ in rows)
    first = 10 ** math.floor(math.log10(least) - 0.3) if logarithmic else 0
    height, wide = TOP + ROW * len(rows) + 34, WIDTH - LEFT - RIGHT
    bottom = TOP + ROW * len(rows)

    def across(value):
        if logarithmic:
            return wide * math.log(value / first) / math.log(most / first)
        return wide * value / most

    parts = []
    for tick in decades(first, most) if logarithmic else steps(most):
        x = LEFT + across(tick) if tick else LEFT
        parts += [f'<path class="grid" d="M{x:.1f} {TOP - 6}V{bottom}"/>',
                  f'<text class="soft" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{short(tick)}</text>']
    for number, (label, value, kind) in enumerate(rows):
        y = TOP + ROW * number
        length = max(2, across(value))
        parts += [
            f'<text x="{LEFT - 12}" y="{y + 16}" text-anchor="end">{escape(label)}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y + 3}" width="{length:.1f}" height="{ROW - 9}" rx="3"/>',
            f'<text x="{LEFT + length + 7:.1f}" y="{y + 16}">{escape(form.format(value))}</text>',
        ]
    return figure(height, title, subtitle, parts)


def lines(title, subtitle, series, height=330):
    """`series` are (label, kind, [(x, y)…]); x is drawn by its logarithm, y from zero."""
    series = [(label, kind, points) for label, kind, points in series if points]
    if not series:
        return None
    every = [point for _, _, points in series for point in points]
    low, high = min(x for x, _ in every), max(x for x, _ in every)
    most = max(y for _, y in every) * 1.12
    left, right, bottom = 62, WIDTH - 30, height - 66
    span = math.log(high / low) if high > low else 1

    def place(x, y):
        share = math.log(x / low) / span if high > low else 0.5
        across = left + 26 + (right - left - 52) * share
        return across, bottom - (bottom - TOP) * y / most

    parts = []
    for tick in steps(most):
        _, y = place(low, tick)
        parts += [f'<path class="grid" d="M{left} {y:.1f}H{right}"/>',
                  f'<text class="soft" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{short(tick)}</text>']
    for tick in sorted({x for x, _ in every}):
        x, _ = place(tick, 0)
        parts.append(f'<text class="soft" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{short(tick)}</text>')
    at = left
    for label, kind, points in series:
        places = [place(*point) for point in points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(f'<path class="line {kind}" d="M{path}"/>')
        for (x, y), (_, value) in zip(places, points):
            parts += [f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>',
                      f'<text class="soft" x="{x:.1f}" y="{y - 9:.1f}" text-anchor="middle">{value:.1f}</text>']
        parts += [f'<rect class="{kind}" x="{at}" y="{height - 26}" width="14" height="4" rx="2"/>',
                  f'<text class="soft" x="{at + 20}" y="{height - 20}">{escape(label)}</text>']
        at += 40 + 6.6 * len(label)
    return figure(height, title, subtitle, parts)


def decades(first, most):
    tick = first
    while tick <= most:
        yield tick
        tick *= 10


def steps(most):
    """Round ticks from zero, about five of them."""
    rough = most / 5
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    tick = 0
    while tick <= most:
        yield tick
        tick += step


def short(value):
    for size, letter in [(1e6, " M"), (1e3, " k")]:
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
