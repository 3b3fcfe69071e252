"""Draw the letters that the simulated cameras burn into their pictures, and keep them as bitmaps.

Run after a street of the demonstration got a new name: ``python tools/draw_glyphs.py``. Chromium draws them
with whatever Korean font the system has; the result is a small JSON file: nothing needs a font at run time.
"""

import json
import shutil
import string
from pathlib import Path

from playwright.sync_api import sync_playwright

from ansim.simulation.streets import DISTRICTS

OUTPUT = Path(__file__).resolve().parent.parent / "src" / "ansim" / "simulation" / "glyphs.json"
HEIGHT = 20
DRAW = """([letters, height]) => {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  return letters.map((letter) => {
    const width = letter.charCodeAt(0) < 128 ? Math.round(height * 0.55) : height;
    canvas.width = width;
    canvas.height = height;
    context.fillStyle = 'white';
    context.font = `bold ${Math.round(height * 0.88)}px "Noto Sans CJK KR", monospace`;
    context.textBaseline = 'alphabetic';
    context.textAlign = 'center';
    context.fillText(letter, width / 2, height * 0.82);
    const pixels = context.getImageData(0, 0, width, height).data;
    const rows = [];
    for (let y = 0; y < height; y += 1) {
      let bits = '';
      for (let x = 0; x < width; x += 1) bits += pixels[4 * (y * width + x) + 3] > 110 ? '1' : '0';
      rows.push(bits);
    }
    return rows;
  });
}"""


def main() -> None:
    letters = set(string.digits + string.ascii_letters + " :-./()")
    for districts in DISTRICTS.values():
        for district in districts:
            for street in district.streets:
                letters |= set(street.dong)
    wanted = sorted(letters)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        drawn = browser.new_page().evaluate(DRAW, [wanted, HEIGHT])
        browser.close()
    glyphs = {
        letter: [f"{int(row, 2):x}" for row in rows] for letter, rows in zip(wanted, drawn, strict=True)
    }
    OUTPUT.write_text(json.dumps({"height": HEIGHT, "glyphs": glyphs}, ensure_ascii=False) + "\n", "utf-8")
    print(f"{len(wanted)} letters into {OUTPUT.name}")


if __name__ == "__main__":
    main()
