"""How Sphinx builds the documentation; the build needs no network.

``python -m sphinx -W --keep-going -n docs docs/_build/html``
"""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.ext.autosummary import autosummary_table

import fastadam

# ---------------------------------------------------------------------------------------------
# The project, as pyproject.toml describes it
# ---------------------------------------------------------------------------------------------

_about = metadata.metadata("fastadam")
_urls = dict(url.split(", ", 1) for url in _about.get_all("Project-URL", []))
_needed = {
    re.split("[<>=!~]", need, maxsplit=1)[0]: need
    for need in metadata.requires("fastadam") or []
    if "extra ==" not in need
}

project = "fastadam"
author = "the fastadam developers"
project_copyright = "2026, the fastadam developers"
version = release = fastadam.__version__


def _range(package: str) -> str:
    """Write the versions that are allowed: "numba<0.69,>=0.63" as "≥ 0.63, < 0.69"."""
    parts = sorted(_needed[package].removeprefix(package).split(","), reverse=True)
    return ", ".join(re.sub("([<>]=?)", r"\1 ", part).replace(">=", "≥") for part in parts)


rst_epilog = "\n".join(
    [
        f".. |python_versions| replace:: {_about['Requires-Python'].replace('>=', '≥ ')}",
        *(f".. |{name}_versions| replace:: {_range(name)}" for name in ("numba", "numpy", "scipy")),
        f".. _repository: {_urls['Source']}",
        f".. _issues: {_urls['Issues']}",
    ]
)

# ---------------------------------------------------------------------------------------------
# Sphinx
# ---------------------------------------------------------------------------------------------

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "**/GALLERY_HEADER.rst", "sg_execution_times.rst"]
default_role = "py:obj"
nitpicky = True
suppress_warnings = ["ref.citation"]  # problems are cited in words: "MGH 1"

autosummary_generate = True
autodoc_mock_imports = ["torch"]  # which the documentation is built without
autodoc_typehints = "none"  # the docstrings say them in words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the templates do
numpydoc_xref_param_type = False

plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 130)]
plot_rcparams = {"font.size": 9, "figure.constrained_layout.use": True}
plot_apply_rcparams = True

sphinx_gallery_conf = {
    "examples_dirs": ["gallery"],
    "gallery_dirs": ["auto_gallery"],
    "filename_pattern": "/plot_",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1000,
    "matplotlib_animations": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"fastadam {version}"
html_static_path = ["_static"]
html_css_files = ["fastadam.css"]
html_context = {"default_mode": "auto"}
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "fastadam"},
    "header_links_before_dropdown": 6,
    "icon_links": [
        {"name": "Source", "url": _urls["Source"], "icon": "fa-brands fa-github"},
    ],
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "install": []}

# ---------------------------------------------------------------------------------------------
# What Sphinx lacks
# ---------------------------------------------------------------------------------------------

#: Where other packages document an object, made from its name: inventories would be fetched.
_ELSEWHERE = {
    "scipy": "https://docs.scipy.org/doc/scipy/reference/generated/{}.html",
    "numpy": "https://numpy.org/doc/stable/reference/generated/{}.html",
    "collections": "https://docs.python.org/3/library/collections.abc.html",
}


def resolve(
    app: Sphinx, env: Any, node: pending_xref, contnode: nodes.Element
) -> nodes.Element | None:
    """Link names of other packages; print names of arguments. What else is missing is an error."""
    target = node["reftarget"]
    package, dot, _ = target.partition(".")
    if dot and package in _ELSEWHERE:
        # A method is on the page of its class.
        page = re.sub(r"(\.[A-Z]\w*)\..*", r"\1", target)
        uri = _ELSEWHERE[package].format(page)
        return nodes.reference("", "", contnode, internal=False, refuri=uri)
    if node.get("reftype") == "obj" and package != "fastadam":
        return contnode
    return None


def leave_out_citations(app: Sphinx, doctree: nodes.document) -> None:
    """Take " [1]" out of summaries, whose pages do not have what it refers to."""
    for table in doctree.findall(autosummary_table):
        for reference in list(table.findall(pending_xref)):
            if reference["refdomain"] == "citation":
                siblings = reference.parent.children
                before = siblings[siblings.index(reference) - 1]
                before.parent.replace(before, nodes.Text(before.astext().rstrip()))
                reference.parent.remove(reference)


def _mathml(node: nodes.Element, as_block: bool) -> str:
    # Two ways to write LaTeX that docutils does not know.
    source = re.sub(r"\\Big(?![lr])", r"\\Bigr", node.astext())
    source = re.sub(r"frac(\d)(\d)", r"frac{\1}{\2}", source)
    return tex2mathml(source, as_block)


def inline_math(translator: Any, node: nodes.math) -> None:
    """Write a formula in a line as MathML, which browsers draw without a script from elsewhere."""
    translator.body.append(_mathml(node, as_block=False))
    raise nodes.SkipNode


def block_math(translator: Any, node: nodes.math_block) -> None:
    """Write a formula on its own as MathML."""
    translator.body.append(f'<div class="math">{_mathml(node, as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what is above."""
    app.connect("missing-reference", resolve)
    app.connect("doctree-read", leave_out_citations)
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


html_math_renderer = "mathml"
