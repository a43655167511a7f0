"""What PyVRP and OR-Tools routing make of Cordeau's instances, as plans that the planner's checker can judge.

PyVRP has no days: an instance in which every customer is visited once, on whichever day, is a fleet of vehicles x days
for it, and nothing is left out; visits of one customer that hang together by their days cannot be said at all. OR-Tools gets
a vehicle for each vehicle and day, and the combinations of days as tables of allowed vehicles.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import product

from services.scheduler.planner import Placement
from services.scheduler.planner.timetable import time_of
from tests.benchmarks.planner.cordeau_instance import MONDAY, NotExpressible, Periodic

SCALE = 1000
"""Both count in whole numbers."""

Routes = dict[tuple[int, int], list[tuple[int, int]]]
"""(vehicle, day) to visits as (customer, number of the visit), in order."""


def placements(problem: Periodic, routes: Routes) -> tuple[Placement, ...]:
    """A route's visits one after the other, from the opening of its day."""
    demand = {c.number: c.demand for c in problem.customers}
    made = []
    for (vehicle, day), stops in routes.items():
        at = 0
        for customer, visit in stops:
            start, at = at, at + demand[customer]
            when = MONDAY + timedelta(days=day)
            made.append(Placement(f"c{customer}-{visit}", f"v{vehicle}", when, time_of(start), time_of(at)))
    return tuple(made)


def by_pyvrp(problem: Periodic, seconds: float, seed: int) -> Routes:
    """Raise `NotExpressible` where days are more than a choice for each customer by itself."""
    from pyvrp import Model
    from pyvrp.stop import MaxRuntime

    if any(c.choices != tuple((d,) for d in range(problem.days)) for c in problem.customers):
        raise NotExpressible("visits of one customer on days that hang together")
    model = Model()
    everywhere = {0: problem.depot} | {c.number: (c.x, c.y) for c in problem.customers}
    places = {n: model.add_location(x, y) for n, (x, y) in everywhere.items()}
    model.add_vehicle_type(problem.vehicles * problem.days, capacity=problem.capacity)
    model.add_depot(places[0])
    for c in problem.customers:
        model.add_client(places[c.number], delivery=c.demand)
    for (a, here), (b, there) in product(places.items(), repeat=2):
        model.add_edge(here, there, distance=round(problem.apart(a, b) * SCALE))
    found = model.solve(stop=MaxRuntime(seconds), seed=seed, display=False)
    routes: Routes = {}
    for n, route in enumerate(found.best.routes() if found.is_feasible() else ()):
        stops = [(problem.customers[step.idx].number, 0) for step in route if step.is_client()]
        routes[n % problem.vehicles, n // problem.vehicles] = stops
    return routes


def by_ortools(problem: Periodic, seconds: float) -> Routes:
    """Guided local search, its usual setting for routes; of its first strategies this one finds a plan with tied days."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    visits = [(c, k) for c in problem.customers for k in range(len(c.choices[0]))]
    fleet = problem.vehicles * problem.days
    manager = pywrapcp.RoutingIndexManager(len(visits) + 1, fleet, 0)
    routing = pywrapcp.RoutingModel(manager)
    number = [0, *(c.number for c, _ in visits)]
    load = [0, *(c.demand for c, _ in visits)]
    apart = [[round(problem.apart(a, b) * SCALE) for b in number] for a in number]
    way = routing.RegisterTransitCallback(lambda i, j: apart[manager.IndexToNode(i)][manager.IndexToNode(j)])
    routing.SetArcCostEvaluatorOfAllVehicles(way)
    weight = routing.RegisterUnaryTransitCallback(lambda i: load[manager.IndexToNode(i)])
    routing.AddDimensionWithVehicleCapacity(weight, 0, [problem.capacity] * fleet, True, "load")
    first = 1
    for c in problem.customers:
        count = len(c.choices[0])
        if count > 1 or len(c.choices) < problem.days:
            day_of = [range(d * problem.vehicles, (d + 1) * problem.vehicles) for d in range(problem.days)]
            rows = [row for days in c.choices for row in product(*(day_of[d] for d in days))]
            vehicles = [routing.VehicleVar(manager.NodeToIndex(first + k)) for k in range(count)]
            routing.solver().Add(routing.solver().AllowedAssignments(vehicles, rows))
        first += count
    asked = pywrapcp.DefaultRoutingSearchParameters()
    asked.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.LOCAL_CHEAPEST_INSERTION
    asked.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    asked.time_limit.FromMilliseconds(round(seconds * 1000))
    found = routing.SolveWithParameters(asked)
    routes: Routes = {}
    for vehicle in range(fleet) if found else ():
        at, stops = found.Value(routing.NextVar(routing.Start(vehicle))), []
        while not routing.IsEnd(at):
            customer, visit = visits[manager.IndexToNode(at) - 1]
            stops.append((customer.number, visit))
            at = found.Value(routing.NextVar(at))
        routes[vehicle % problem.vehicles, vehicle // problem.vehicles] = stops
    return routes
