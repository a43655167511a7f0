// Small manners that HTML alone does not have. Every page works without this file.
(() => {
  "use strict";

  const notice = (text) => {
    const place = document.getElementById("notice");
    if (!place) return;
    place.textContent = text;
    place.hidden = false;
  };

  const unavailable = (fragment) => {
    const line = document.createElement("p");
    line.className = "quiet";
    line.textContent = fragment.dataset.unavailable;
    fragment.replaceChildren(line);
    fragment.removeAttribute("aria-busy");
  };

  const focusOn = (root) => root.querySelector("[data-focus]")?.focus();

  // A fragment of another service that cannot be had says so in its own place; for anything else
  // only an answer that is meant to be shown (a page part, such as a form with its errors) is swapped in.
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    const { status, headers } = ctx.response;
    if (status < 400) return;
    const source = ctx.sourceElement;
    if (source.matches(".fragment")) {
      event.preventDefault();
      unavailable(source);
    } else if (status === 401) {
      event.preventDefault();
      location.assign("/directory/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
    } else if (status >= 500 || !(headers.get("content-type") || "").startsWith("text/html")) {
      event.preventDefault();
      notice("This could not be done just now. Nothing was changed; please try again.");
    }
  });
  document.addEventListener("htmx:error", (event) => {
    const source = event.detail.ctx?.sourceElement;
    if (!source) return;
    if (source.matches(".fragment")) unavailable(source);
    else notice("There is no connection just now. Please try again.");
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const source = event.detail.ctx?.sourceElement;
    if (source?.matches?.(".fragment")) source.removeAttribute("aria-busy");
    focusOn(document);
  });

  // One press is one submission. The button comes back when the page is shown again from history, or
  // after a while: the answer may have been a download.
  const release = (button) => {
    button.removeAttribute("aria-busy");
    button.disabled = false;
  };
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || event.target.matches("[hx-post], [hx-get]")) return;
    setTimeout(() => {
      if (event.defaultPrevented) return;
      button.setAttribute("aria-busy", "true");
      button.disabled = true;
      setTimeout(() => release(button), 10000);
    });
  });
  addEventListener("pageshow", () => document.querySelectorAll("button[aria-busy]").forEach(release));
  document.addEventListener("DOMContentLoaded", () => focusOn(document));
})();
