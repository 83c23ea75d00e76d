// A link may carry the key behind its `#`, which the browser sends nowhere: it goes into the form, and out of the
// address bar. It is not sent by itself, or a link could sign somebody into another's workspace.
const fromLink = decodeURIComponent(location.hash.slice(1));
if (fromLink) {
  history.replaceState(null, "", location.pathname);
  document.getElementById("api_key").value = fromLink;
  document.querySelector("#sign-in button").focus();
}
