"use strict";

SwaggerUIBundle({
  url: document.getElementById("api-docs").dataset.schema,
  dom_id: "#api-docs",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  // Both would load from other servers.
  validatorUrl: null,
  persistAuthorization: false,
});
