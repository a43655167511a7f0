// Sends one workbook to every service that takes some of its sheets: all check it before any takes it.
// Doing it again finishes what broke off, because rows that are as they should be change nothing.
(() => {
  "use strict";

  const form = document.getElementById("import-form");
  if (!form) return;
  const result = document.getElementById("import-result");
  const services = form.dataset.services.split(" ");
  const chosen = form.elements.workbook;
  const keys = new Map(); // one idempotency key for a file and a service, kept while the file stays chosen
  chosen.addEventListener("change", () => {
    keys.clear();
    result.replaceChildren();
  });

  const keyOf = (service) => {
    if (!keys.has(service)) keys.set(service, crypto.randomUUID());
    return keys.get(service);
  };

  const send = async (service, dryRun) => {
    const body = new FormData();
    body.append("workbook", chosen.files[0]);
    const key = dryRun ? crypto.randomUUID() : keyOf(service);
    const headers = { Accept: "application/json", "Idempotency-Key": key };
    try {
      const answer = await fetch(`/${service}/api/imports?dry_run=${dryRun}`, { method: "POST", body, headers });
      if (answer.status === 401) {
        location.assign("/directory/sign-in?next=" + encodeURIComponent(location.pathname));
        return { service, status: 401, content: { detail: "Your sign-in has ended." } };
      }
      return { service, status: answer.status, content: await answer.json() };
    } catch {
      return { service, status: 0, content: { detail: `The ${service} service did not answer. Nothing more was sent; try again.` } };
    }
  };

  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  const alert = (tone, title, text) => {
    const box = element("div", undefined, { class: `alert alert-${tone}`, role: tone === "bad" ? "alert" : "status" });
    box.append(element("strong", title), " ", text);
    return box;
  };

  const table = (caption, columns, rows) => {
    const wrap = element("div", undefined, { class: "table-wrap" });
    const made = element("table", undefined, { class: "stack" });
    made.append(element("caption", caption));
    const head = element("tr");
    for (const [title, , kind] of columns) head.append(element("th", title, { scope: "col", ...(kind ? { class: kind } : {}) }));
    const thead = element("thead");
    thead.append(head);
    const body = element("tbody");
    for (const row of rows) {
      const line = element("tr");
      for (const [title, of, kind] of columns) {
        line.append(element("td", of(row), { "data-label": title, ...(kind ? { class: kind } : {}) }));
      }
      body.append(line);
    }
    made.append(thead, body);
    wrap.append(made);
    return wrap;
  };

  const faultsOf = ({ service, status, content }) => {
    const errors = (content.errors || []).map((error) => ({ ...error, column: error.column ?? error.field ?? "" }));
    if (errors.length === 0 && status !== 200 && status !== 201) {
      return [{ sheet: "", row: "", column: "", message: content.detail || `${service} refused the file.`, expected: "" }];
    }
    return errors;
  };

  // Several services may find the same fault in the file itself (it is no workbook): it is shown once.
  const distinct = (faults) => [...new Map(faults.map((fault) => [JSON.stringify([fault.sheet, fault.row, fault.column, fault.message]), fault])).values()];

  const show = (answers, title, text) => {
    const faults = distinct(answers.flatMap(faultsOf));
    const sheets = answers.flatMap(({ content }) => content.sheets || []);
    result.replaceChildren(faults.length ? alert("bad", "Not imported.", "Correct these places and check again.") : alert("good", title, text));
    if (sheets.length && faults.length === 0) {
      result.append(table("Sheets", [
        ["Sheet", (row) => row.sheet], ["Rows", (row) => row.rows, "number"], ["New", (row) => row.new, "number"],
        ["Changed", (row) => row.changed, "number"], ["Unchanged", (row) => row.unchanged, "number"],
      ], sheets));
    }
    if (faults.length) {
      result.append(table("To correct", [
        ["Sheet", (row) => row.sheet ?? ""], ["Row", (row) => row.row || "", "number"], ["Column", (row) => row.column],
        ["What is wrong", (row) => row.message ?? ""], ["What would be right", (row) => row.expected ?? ""],
      ], faults));
      const further = answers.reduce((sum, { content }) => sum + (content.further_errors || 0), 0);
      if (further) result.append(element("p", `And ${further} more places.`, { class: "quiet" }));
    }
    return faults.length === 0;
  };

  const run = async (take) => {
    const checks = await Promise.all(services.map((service) => send(service, true)));
    const good = show(checks, "Checked.", "Nothing is wrong, and nothing was changed yet.");
    if (!good || !take) return;
    const taken = [];
    for (const service of services) {
      const answer = await send(service, false);
      taken.push(answer);
      if (answer.status !== 200 && answer.status !== 201) {
        show(taken, "", "");
        result.prepend(alert("warn", "Broken off.", `${service} did not take its sheets. Import the same file again: it finishes what is missing.`));
        return;
      }
    }
    show(taken, "Imported.", "Every sheet was taken.");
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const take = event.submitter?.value === "take";
    const buttons = form.querySelectorAll("button");
    form.setAttribute("aria-busy", "true");
    for (const button of buttons) button.disabled = true;
    result.replaceChildren(element("p", take ? "Checking, then importing …" : "Checking …", { class: "quiet" }));
    await run(take);
    form.removeAttribute("aria-busy");
    for (const button of buttons) button.disabled = false;
  });
})();
