// A link may carry the key behind its `#`, which the browser sends nowhere: it goes into the form, and out of the
// address bar. It is not sent by itself, or a link could sign somebody into another's workspace.
function takeKeyFromAddress() {
  const fromLink = decodeURIComponent(location.hash.slice(1));
  if (fromLink) {
    history.replaceState(null, "", location.pathname);
    document.getElementById("api_key").value = fromLink;
    document.querySelector("#sign-in button").focus();
  }
}
takeKeyFromAddress();
// Where the page is open already, following such a link loads nothing anew.
addEventListener("hashchange", takeKeyFromAddress);
