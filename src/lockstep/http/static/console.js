// Says whether the page follows what changes, and puts shown codes away again.
const live = document.getElementById("live");

function say(state, text) {
  live.dataset.state = state;
  live.textContent = text;
}

say("off", "connecting");
document.addEventListener("htmx:sse:after:connection", () => say("on", "live"));
for (const name of ["htmx:sse:error", "htmx:sse:before:connection", "htmx:sse:close"]) {
  document.addEventListener(name, () => say("off", "not live"));
}
document.addEventListener("signed-out", () => location.assign("/sign-in"));

const SHOWN_FOR_MS = 60_000;
document.addEventListener("htmx:after:swap", () => {
  for (const place of document.querySelectorAll(".code output:not(:empty):not([data-shown])")) {
    place.dataset.shown = "";
    setTimeout(() => {
      place.replaceChildren();
      delete place.dataset.shown;
    }, SHOWN_FOR_MS);
  }
});
