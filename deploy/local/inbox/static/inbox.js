// Shows new messages as they come, without taking the focus away. Without it, the page shows what there was.
(() => {
  "use strict";
  const list = () => document.getElementById("messages");

  const look = async () => {
    const to = new URLSearchParams(location.search).get("to") || "";
    const since = list().dataset.last;
    const asked = new URLSearchParams({ to, since, wait: "50" });
    const { messages } = await (await fetch("/inbox/api/messages?" + asked)).json();
    if (messages.length === 0) return;
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    for (const part of ["#messages", "nav"]) document.querySelector(part).replaceWith(page.querySelector(part));
  };

  const go = () => look().then(() => setTimeout(go, 300), () => setTimeout(go, 5000));
  document.addEventListener("DOMContentLoaded", go);
})();
