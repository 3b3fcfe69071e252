"""Draw the installable page's PNG icons from `web/public/icons/icon.svg` with a local Chromium.

Run by hand after the drawing has changed; the PNG files are kept in the repository.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ICONS = Path(__file__).resolve().parent.parent / "web" / "public" / "icons"
GROUND = "#0b1017"
# Name, size, and the part of the picture that the drawing fills: launchers cut a maskable icon to a circle of
# 80 % (W3C Web Application Manifest, "maskable" purpose), and iOS wants no transparency.
PICTURES = [
    ("icon-192.png", 192, 1.0, False),
    ("icon-512.png", 512, 1.0, False),
    ("icon-maskable-512.png", 512, 0.8, True),
    ("apple-touch-icon.png", 180, 0.92, True),
]


def main() -> int:
    chromium = shutil.which("chromium")
    if chromium is None:
        print("draw_icons: Chromium is missing: install the package chromium", file=sys.stderr)
        return 1
    drawing = (ICONS / "icon.svg").read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        for name, size, part, filled in PICTURES:
            page.set_viewport_size({"width": size, "height": size})
            page.set_content(
                f"<style>html{{background:{GROUND if filled else 'transparent'}}}"
                "body{margin:0;height:100vh;display:grid;place-items:center}"
                f"svg{{width:{part:.0%};height:{part:.0%}}}</style>{drawing}"
            )
            page.screenshot(path=ICONS / name, omit_background=not filled)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
