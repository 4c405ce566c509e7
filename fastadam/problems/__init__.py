"""Named test functions for minimisers, with gradient, box, start and known minima.

Each function below returns a `Problem`. Its functions are compiled by Numba at their first call;
making a problem compiles nothing, and making it again returns the same compiled functions.

===========================  ==  ===========  =================================================
name                         n   minimum      what makes it hard
===========================  ==  ===========  =================================================
`sphere`                     n   0            nothing
`sum_of_squares`             n   0            mild scaling
`trid`                       n   by n         coupled neighbours, a minimum far away
`zakharov`                   n   0            a quartic wall
`booth`                      2   0            a quadratic, condition number 9
`matyas`                     2   0            a quadratic, condition number 25
`ill_conditioned_quadratic`  n   0            any condition number, axes along the coordinates
`rotated_quadratic`          n   0            any condition number, oblique axes
`powell_badly_scaled`        2   0            a very narrow hyperbola
`brown_badly_scaled`         2   0            coordinates of 1e6 and 2e-6
`rosenbrock`                 n   0            a curved valley
`dixon_price`                n   0            a chain of curved valleys
`wood`                       4   0            two coupled valleys, a saddle
`helical_valley`             3   0            a valley that winds, a jump
`freudenstein_roth`          2   0            a local minimum
`powell_singular`            4   0            a singular Hessian at the minimum
`trigonometric`              n   0            many roots, a full Hessian
`broyden_tridiagonal`        n   0            coupled neighbours
`beale`                      2   0            flat, with steep corners
`misra1a`                    2   0.12455      real data, parameters of 2e2 and 6e-4
`himmelblau`                 2   0            four global minima
`easom`                      2   -1           a narrow hole in a plain
`three_hump_camel`           2   0            two local minima
`six_hump_camel`             2   -1.0316      two global minima, four local ones
`goldstein_price`            2   3            three local minima, values up to a million
`branin`                     2   0.39789      three global minima
`ackley`                     n   0            many local minima, a cone at the global one
`rastrigin`                  n   0            a local minimum near every integer point
`griewank`                   n   0            many local minima
`levy`                       n   0            many local minima
`styblinski_tang`            n   -39.166 n    2^n minima
===========================  ==  ===========  =================================================

`catalogue` returns all of them, in this order, at their default dimensions.

References
----------
.. [MGH] J. J. Moré, B. S. Garbow, K. E. Hillstrom, "Testing unconstrained optimization software",
   ACM Transactions on Mathematical Software 7 (1981) 17-41. The docstrings give the numbers of
   its problems, as in "MGH 1".
.. [JY] M. Jamil, X.-S. Yang, "A literature survey of benchmark functions for global optimisation
   problems", International Journal of Mathematical Modelling and Numerical Optimisation 4 (2013)
   150-194, https://arxiv.org/abs/1308.4008

Examples
--------
>>> from scipy.optimize import minimize
>>> from fastadam import problems
>>> problem = problems.beale()
>>> result = minimize(problem.fun, problem.x0, jac=problem.jac, bounds=problem.bounds)
>>> result.x.round(3), problem.minimizers[0]
(array([3. , 0.5]), array([3. , 0.5]))
"""

from __future__ import annotations

from collections.abc import Callable

from .badly_scaled import (
    brown_badly_scaled,
    ill_conditioned_quadratic,
    powell_badly_scaled,
    rotated_quadratic,
)
from .convex import sphere, sum_of_squares, trid, zakharov
from .equations import broyden_tridiagonal, freudenstein_roth, powell_singular, trigonometric
from .fits import beale, misra1a
from .multimodal import ackley, griewank, levy, rastrigin
from .plane import booth, branin, easom, matyas
from .polynomials import (
    goldstein_price,
    himmelblau,
    six_hump_camel,
    styblinski_tang,
    three_hump_camel,
)
from .problem import Problem
from .valleys import dixon_price, helical_valley, rosenbrock, wood

# fmt: off
__all__ = [
    "Problem", "ackley", "beale", "booth", "branin", "brown_badly_scaled", "broyden_tridiagonal",
    "catalogue", "dixon_price", "easom", "freudenstein_roth", "goldstein_price", "griewank",
    "helical_valley", "himmelblau", "ill_conditioned_quadratic", "levy", "matyas", "misra1a",
    "powell_badly_scaled", "powell_singular", "rastrigin", "rosenbrock", "rotated_quadratic",
    "six_hump_camel", "sphere", "styblinski_tang", "sum_of_squares", "three_hump_camel", "trid",
    "trigonometric", "wood", "zakharov",
]

_IN_ORDER: tuple[Callable[[], Problem], ...] = (
    sphere, sum_of_squares, trid, zakharov, booth, matyas, ill_conditioned_quadratic,
    rotated_quadratic, powell_badly_scaled, brown_badly_scaled, rosenbrock, dixon_price, wood,
    helical_valley, freudenstein_roth, powell_singular, trigonometric, broyden_tridiagonal, beale,
    misra1a, himmelblau, easom, three_hump_camel, six_hump_camel, goldstein_price, branin, ackley,
    rastrigin, griewank, levy, styblinski_tang,
)
# fmt: on


def catalogue() -> tuple[Problem, ...]:
    """Return every problem at its default dimension.

    Examples
    --------
    >>> from fastadam import problems
    >>> [problem.name for problem in problems.catalogue() if len(problem.minimizers) > 2]
    ['himmelblau', 'branin']
    """
    return tuple(make() for make in _IN_ORDER)


def __dir__() -> list[str]:
    return sorted(__all__)
