// Every element that the keyboard reaches must look different while it has the focus. Call it after a press of Tab,
// so that the browser takes the focus for one by keyboard.
() => {
  const faults = [];
  const focusable = "a[href], button:not([disabled]), input:not([type=hidden], [disabled]), select, textarea, summary";
  for (const one of document.querySelectorAll(focusable)) {
    if (!one.checkVisibility()) continue;
    const look = () => {
      const { outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor, textDecorationLine } = getComputedStyle(one);
      const outline = outlineStyle === "none" ? "" : `${outlineStyle} ${outlineWidth}`;
      return [outline, boxShadow, borderColor, backgroundColor, textDecorationLine].join("|");
    };
    one.blur();
    const before = look();
    one.focus({ preventScroll: true });
    if (document.activeElement !== one) continue;
    if (look() === before) faults.push(`the focus cannot be seen on ${one.outerHTML.replace(/\s+/g, " ").slice(0, 120)}`);
    one.blur();
  }
  scrollTo(0, 0);
  return faults;
}
