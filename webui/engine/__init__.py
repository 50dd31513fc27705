"""The only package that imports docker: dataclasses of `webui.engine.model` and the domain's errors come out of it."""
