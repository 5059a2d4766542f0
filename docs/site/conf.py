"""Settings of Sphinx; the sources are put together by ``python -m docs.site``."""

import importlib.metadata

project = "causalcluster"
author = "the authors of causalcluster"
release = importlib.metadata.version("causalcluster")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
html_theme = "pydata_sphinx_theme"
html_title = "causalcluster"
html_show_copyright = False
html_show_sourcelink = False
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
myst_heading_anchors = 4
autodoc_typehints = "description"
napoleon_google_docstring = False
napoleon_use_ivar = True
suppress_warnings = ["ref.python"]
