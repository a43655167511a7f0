// What a page must have whoever looks at it; returns the faults as sentences. Run by page.evaluate, so no page may
// forbid it, and no page needs to allow it.
() => {
  const faults = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const say = (element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 120);

  if (!document.documentElement.lang) faults.push("the page names no language");
  const title = document.title;
  if (!/^\S.* · Gemba$/.test(title)) faults.push(`the title is “${title}”`);
  const headings = all("h1").filter((one) => one.checkVisibility());
  if (headings.length !== 1) faults.push(`${headings.length} headings of the first level`);
  for (const landmark of ["header", "main"]) {
    if (all(`body > ${landmark}`).length !== 1) faults.push(`there is no single <${landmark}>`);
  }
  for (const nav of all("nav")) {
    if (!nav.getAttribute("aria-label") && !nav.getAttribute("aria-labelledby")) faults.push(`unnamed nav: ${say(nav)}`);
  }

  for (const one of all("[style]:not([style='']), style, script:not([src])")) faults.push(`inline style or script: ${say(one)}`);
  for (const one of all("*")) {
    for (const { name } of one.attributes) if (/^on/.test(name)) faults.push(`inline handler ${name}: ${say(one)}`);
  }

  for (const field of all("input:not([type=hidden]), select, textarea")) {
    const named = field.labels?.length || field.getAttribute("aria-label") || field.getAttribute("aria-labelledby");
    if (!named) faults.push(`a field without a label: ${say(field)}`);
  }
  const ids = all("[id]").map((one) => one.id);
  for (const id of new Set(ids.filter((one, place) => ids.indexOf(one) !== place))) faults.push(`two elements with the id ${id}`);

  // What a template forgot shows as such words.
  const text = document.body.innerText;
  for (const odd of text.match(/\b(None|undefined|null|NaN|Undefined)\b|\[object |\{\{|\{%|[a-z]+\.[A-Z]+_[A-Z]+/g) || []) {
    faults.push(`the text shows ${odd}`);
  }
  return faults;
}
