"""Guests for tests: `guest` is shared and boots once per kernel, `fresh_guest` belongs to one test."""

import os
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from tests.vm.guest import Guest
from tests.vm.image import Image, UnavailableError, image
from tests.vm.project import project
from tests.vm.recipe import RECIPES, Recipe

TIMEOUT_S = 1500
"""For one test, which may be the first to want a guest and then waits until the images are built."""

Built = tuple[Image, Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "machine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.vm)
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the console of its guest said last."""
    report = yield
    for guest in getattr(item, "funcargs", {}).values():
        if isinstance(guest, Guest) and report.failed and guest.console.exists():
            report.sections.append(("guest console", guest.console.read_text(errors="replace")[-4000:]))
    return report


@pytest.fixture(scope="session")
def builds() -> Iterator[dict[Recipe, Future[Built]]]:
    """The images of all kernels, made side by side."""
    with ThreadPoolExecutor() as pool:
        yield {recipe: pool.submit(_build, recipe) for recipe in RECIPES.values()}


@pytest.fixture(scope="session", params=list(RECIPES.values()), ids=list(RECIPES))
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return cast("Recipe", request.param)


@pytest.fixture(scope="session")
def machine(recipe: Recipe, builds: dict[Recipe, Future[Built]]) -> Built:
    """An image and the project's drive, to make guests of."""
    try:
        return builds[recipe].result()
    except UnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def guest(machine: Built) -> Iterator[Guest]:
    """A running guest; leave it as it was found, other tests use it too."""
    with closing(Guest(*machine)) as guest:
        yield guest.start()


@pytest.fixture
def fresh_guest(machine: Built) -> Iterator[Guest]:
    """A running guest of the test's own, to be broken at will."""
    with closing(Guest(*machine)) as guest:
        yield guest.start()


def _build(recipe: Recipe) -> Built:
    built = image(recipe)
    return built, project(built)
