%% The same measures in Erlang/OTP: `bench:main()` prints a line for each.
-module(bench).
-export([main/0]).

main() ->
    [spawns(N) || N <- [1000, 10000, 100000, 300000, 1000000]],
    print("churn, spawn to DOWN", churn(200000), "/s"),
    print("ping-pong", pings(200000), "round trips/s"),
    print("one way", one_way(1, 2000000), "messages/s"),
    print("one way, 1,000 senders", one_way(1000, 2000000), "messages/s"),
    halt().

print(What, Figure, Unit) -> io:format("~s: ~.1f ~s~n", [What, float(Figure), Unit]).

idle() -> receive stop -> ok end.

spawns(N) ->
    erlang:garbage_collect(),
    Before = erlang:memory(processes),
    Start = erlang:monotonic_time(microsecond),
    Pids = [spawn(fun idle/0) || _ <- lists:seq(1, N)],
    Took = erlang:monotonic_time(microsecond) - Start,
    Each = (erlang:memory(processes) - Before) / N,
    io:format("~b idle processes: ~.1f bytes each, ~.1f spawns/s~n", [N, Each, N * 1.0e6 / Took]),
    [exit(Pid, kill) || Pid <- Pids],
    timer:sleep(200).

rate(N, Fun) ->
    Start = erlang:monotonic_time(microsecond),
    Fun(),
    N * 1.0e6 / (erlang:monotonic_time(microsecond) - Start).

churn(N) ->
    rate(N, fun() ->
        [begin
             {Pid, Ref} = spawn_monitor(fun() -> ok end),
             receive {'DOWN', Ref, process, Pid, _} -> ok end
         end || _ <- lists:seq(1, N)]
    end).

echo() -> receive {From, M} -> From ! M, echo() end.

pings(N) ->
    Echo = spawn(fun echo/0),
    rate(N, fun() -> [begin Echo ! {self(), I}, receive I -> ok end end || I <- lists:seq(1, N)] end).

sink(0, To) -> To ! done;
sink(N, To) -> receive m -> sink(N - 1, To) end.

one_way(Senders, N) ->
    Me = self(),
    Sink = spawn(fun() -> sink(N, Me) end),
    rate(N, fun() ->
        [spawn(fun() -> [Sink ! m || _ <- lists:seq(1, N div Senders)] end) || _ <- lists:seq(1, Senders)],
        receive done -> ok end
    end).
