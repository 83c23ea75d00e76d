"""The page on which the API can be read and tried. Everything that it loads comes from here."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from lockstep.http.api.routing import Router

PATH = "/v1/docs"
OPENAPI_PATH = "/v1/openapi.json"

router = Router()

# Swagger UI sets styles by attribute; scripts are files of ours alone, and nothing comes from another host.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lockstep API</title>
<link rel="icon" href="/static/vendor/swagger-ui/favicon-32x32.png">
<link rel="stylesheet" href="/static/vendor/swagger-ui/swagger-ui.css">
</head>
<body>
<div id="api" data-openapi="{OPENAPI_PATH}"></div>
<noscript>The API is described in <a href="{OPENAPI_PATH}">{OPENAPI_PATH}</a>.</noscript>
<script src="/static/vendor/swagger-ui/swagger-ui-bundle.js"></script>
<script src="/static/api-docs.js"></script>
</body>
</html>
"""


@router.get(PATH)
async def show_docs() -> HTMLResponse:
    return HTMLResponse(
        _PAGE,
        headers={
            "content-security-policy": _POLICY,
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        },
    )


@router.get(OPENAPI_PATH)
async def show_openapi(request: Request) -> Response:
    return JSONResponse(request.app.openapi())
