// Starts the API's page; apart from it, so that the page needs no inline script.
const place = document.getElementById("api");
SwaggerUIBundle({
  domNode: place,
  url: place.dataset.openapi,
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
  tryItOutEnabled: false,
});
