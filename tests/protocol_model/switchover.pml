/* The switchover protocol, for Spin: every interleaving of two attempts, a last one, return paths, users,
 * application events, replicators, dead-man's switches, restarts and late messages.
 *
 * How to read it. SOURCE is 0, TARGET is 1, and the first epoch is 0 (in the code: 1). Each DO(guard, act, else)
 * is one call that the database guards by itself (control/sql/control_procedures.sql); anything may happen
 * between two of them, also the death of the caller. A procedure of several statements is several DOs: its lock
 * keeps others out in between, the model does not, so the model allows more than the code.
 *
 * Each WITHOUT_x takes one thing out of the protocol; tests/protocol_model/checker.py requires that a promise breaks then.
 *
 * Not here: time (a lease may end at any moment instead), a database that does not answer (tests/switchover/test_state_machine.py),
 * drain's two watermarks (drain.py), accounts that the fence does not know.
 */
#ifndef USER_WRITES
#define USER_WRITES 1
#endif
#ifndef EVENT_WRITES
#define EVENT_WRITES 0        /* of application events: neither account lock nor read_only stops their definer */
#endif
#ifndef SERVERS
#define SERVERS 2
#endif
#ifndef RETURN_PATHS
#define RETURN_PATHS 1        /* return_path tasks beside the attempts; each comes again and may die at every step */
#endif
#define WRITES (USER_WRITES + EVENT_WRITES)

#define SOURCE 0
#define TARGET 1
#define NONE 2
#define OTHER(d) (1 - (d))

/* states of a control row: ports.ControlState */
#define OPEN 0
#define FENCED 1
#define CEDED 2
#define FOLLOW 3
#define CLAIMED 4

/* what a session or the body of an event is doing */
#define IDLE 0
#define RUNS 1
#define COMMITS 2             /* inside COMMIT: neither read_only nor KILL stops it */
#define LOGS_IN 3             /* authenticated and not yet in the process list */

typedef Database {
  byte state; byte epoch; byte attempt;      /* the control row */
  bit positioned; byte position;             /*   its binlog position, written once in an epoch */
  bit list;                                  /*   its list of events to wake */
  bit locked; bit read_only;                 /* application accounts; read_only: only the source has it */
  bit door;                                  /* the replicator of this epoch may log in */
  bit triggers;
  bit events; byte body; byte body_write;    /* events enabled; a body that runs, and what it writes */
  bit fence_complete;                        /* no part of the protocol: for the promise about events */
  byte copies[WRITES];                       /* how often each write is in here */
  byte log[6]; byte length                   /* binlog: application rows in their order */
};
Database db[2];

typedef Task { bit running; byte epoch; byte at };
Task task[2];                                /* the replication task that reads d and writes OTHER(d) */

typedef Server {
  byte uses; byte epoch;                     /* its settings, the highest epoch it was told */
  byte session; byte doing; byte write;      /* one pooled session, maybe to where it used to write */
  byte told                                  /* repoints on their way, a bit for each epoch: late, doubled */
#ifdef WITHOUT_EPOCH_IN_THE_WAITER
  ; byte seen
#endif
};
Server server[SERVERS];
byte waiting;                                /* epochs for which waiters were armed on all servers; they may linger */

byte next_write; byte next_event_write; byte acknowledged;
byte attempts_left; bit last; byte last_goal; byte last_result;
#define MOVED 1
#define OTHER_WAY_FINISHED 2
#define REFUSED 3
#ifdef WITHOUT_SWITCH_UNDER_LOCK
bit switch_saw[2];
#endif
#ifdef WITHOUT_ROW_AS_TRUTH
byte ledger;
#endif

/* the promises; `broken` tells the runner which */
byte broken;
#define PROMISE(n, c) if :: (c) -> skip :: else -> broken = n; assert(broken != n) fi
#define ONE_WRITER 1
#define EXACTLY_ONCE 2
#define NEVER_STUCK 3
#define DONE_MEANS_DONE 4

/* ------------------------------------------------------------------ who can write where */
#define SESSION_CAN(i, d) (server[i].session == (d) && (!db[d].read_only || server[i].doing == COMMITS))
#define HANGS_ON(i, d) (server[i].session == (d) && server[i].doing != COMMITS && server[i].doing != LOGS_IN)
#define IN_COMMIT(i, d) (server[i].session == (d) && server[i].doing == COMMITS)
#if SERVERS == 1
#define ANY(p, d) p(0, d)
#define NO_SESSION(d) (server[0].session != (d))
#define ALL_MOVED(e) (server[0].epoch >= (e))
#define ALL_USE(d) (server[0].uses == (d))
#else
#define ANY(p, d) (p(0, d) || p(1, d))
#define NO_SESSION(d) (server[0].session != (d) && server[1].session != (d))
#define ALL_MOVED(e) (server[0].epoch >= (e) && server[1].epoch >= (e))
#define ALL_USE(d) (server[0].uses == (d) && server[1].uses == (d))
#endif
#define USERS_CAN(d) ((!db[d].locked && !db[d].read_only) || ANY(SESSION_CAN, d))
#define APPLICATION_CAN(d) (USERS_CAN(d) || db[d].events || db[d].body)
#define EVENTS_MAY(d) (db[d].state == OPEN || (db[d].state == FENCED && !db[d].fence_complete))

#define add(d, w) db[d].copies[w]++; PROMISE(EXACTLY_ONCE, db[d].copies[w] < 3); db[d].log[db[d].length] = (w); db[d].length++
#define acknowledge(w) acknowledged = acknowledged | (1 << (w))
#define hang_up(i) server[i].session = NONE; server[i].doing = IDLE; server[i].write = 0
#define kill_session(i, d) if :: HANGS_ON(i, d) -> hang_up(i) :: else fi
#define kill_event(d) if :: db[d].body == RUNS -> db[d].body = IDLE; db[d].body_write = 0 :: else fi
#if SERVERS == 1
#define kill_all(d) kill_session(0, d); kill_event(d)
#else
#define kill_all(d) kill_session(0, d); kill_session(1, d); kill_event(d)
#endif

/* ------------------------------------------------------------------ control_helpers.sql */
#define fence_gone(d) db[d].state = OPEN; db[d].attempt = 0; db[d].fence_complete = 0
#ifdef WITHOUT_MERGED_LIST
#define disable_events(d) db[d].list = db[d].events; db[d].events = 0
#else
#define disable_events(d) db[d].list = db[d].list | db[d].events; db[d].events = 0
#endif
#define enable_events(d) db[d].events = db[d].events | db[d].list; db[d].list = 0
#define let_in(d) db[d].locked = 0; db[d].read_only = 0; enable_events(d)
#define SHUT(d) (db[d].state == CEDED || db[d].state == FOLLOW || db[d].state == CLAIMED)
#ifdef WITHOUT_DOOR
#define DOOR(d) true
#else
#define DOOR(d) (db[d].door && db[d].epoch == task[OTHER(d)].epoch)  /* an account for each epoch */
#endif

/* ------------------------------------------------------------------ what goes on by itself */
proctype Users(byte i) {
  do
  :: atomic { server[i].session == NONE && next_write < USER_WRITES && !db[server[i].uses].locked ->
       server[i].session = server[i].uses;
       if :: server[i].uses == SOURCE -> server[i].doing = IDLE     /* read_only stops a late one */
          :: else -> server[i].doing = LOGS_IN fi }
  :: atomic { server[i].doing == LOGS_IN -> server[i].doing = IDLE }
  :: atomic { server[i].session != NONE && server[i].doing == IDLE && next_write < USER_WRITES ->
       server[i].doing = RUNS; server[i].write = next_write; next_write++ }
  :: atomic { server[i].doing == RUNS && db[server[i].session].read_only ->
       server[i].doing = IDLE; server[i].write = 0 }
  :: atomic { server[i].doing == RUNS && !db[server[i].session].read_only -> server[i].doing = COMMITS }
  :: atomic { server[i].doing == COMMITS ->                         /* committed counts as acknowledged: stronger */
       add(server[i].session, server[i].write); acknowledge(server[i].write);
       server[i].doing = IDLE; server[i].write = 0 }
  :: atomic { server[i].session != NONE && server[i].doing == IDLE -> server[i].session = NONE }
  od
}

/* a repoint arrives, late or twice; an odd epoch means the target owns */
#ifdef WITHOUT_EPOCH_IN_THE_SERVER
#define REPOINT(e) :: atomic { (server[i].told & (1 << e)) && (server[i].uses != (e & 1) || server[i].epoch < e) -> \
  server[i].uses = e & 1; if :: server[i].epoch < e -> server[i].epoch = e :: else fi }
#else
#define REPOINT(e) :: atomic { (server[i].told & (1 << e)) && server[i].epoch < e -> server[i].uses = e & 1; server[i].epoch = e }
#endif
#define FORGET(e) :: atomic { (server[i].told & (1 << e)) && server[i].epoch >= e -> server[i].told = server[i].told & ~(1 << e) }
/* a waiter of epoch e (armed at e) or of e+1 (f opened again) sees the row OPEN@e; it flips some time later */
#define SEES(e) :: atomic { (waiting & (3 << e)) && db[e & 1].state == OPEN && db[e & 1].epoch == e \
  && server[i].epoch < e && !(server[i].told & (1 << e)) -> server[i].told = server[i].told | (1 << e) }
proctype Settings(byte i) {
  do
  REPOINT(1) REPOINT(2) REPOINT(3)
  FORGET(1) FORGET(2) FORGET(3)
#ifdef WITHOUT_EPOCH_IN_THE_WAITER
  /* 1, 2: it saw the source, the target open; 4, 8: it has flipped and is gone */
  :: atomic { (waiting & 10) && db[TARGET].state == OPEN && !(server[i].seen & 10) -> server[i].seen = server[i].seen | 2 }
  :: atomic { (waiting & 4) && db[SOURCE].state == OPEN && !(server[i].seen & 5) -> server[i].seen = server[i].seen | 1 }
  :: atomic { server[i].seen & 1 -> server[i].uses = SOURCE; server[i].seen = (server[i].seen & 14) | 4 }
  :: atomic { server[i].seen & 2 -> server[i].uses = TARGET; server[i].seen = (server[i].seen & 13) | 8 }
#else
  SEES(1) SEES(2) SEES(3)
#endif
  od
}

proctype Events(byte d) {
  do
  :: atomic { db[d].events && !db[d].body && next_event_write < EVENT_WRITES ->
       db[d].body = RUNS; db[d].body_write = USER_WRITES + next_event_write; next_event_write++ }
  :: atomic { db[d].body == RUNS -> db[d].body = COMMITS }           /* DISABLE does not stop a body that runs */
  :: atomic { db[d].body == COMMITS ->
       PROMISE(ONE_WRITER, EVENTS_MAY(d));
       add(d, db[d].body_write); acknowledge(db[d].body_write); db[d].body = IDLE; db[d].body_write = 0 }
  od
}

proctype Replicator(byte d) {
  do
  :: atomic { task[d].running && task[d].at < db[d].length && DOOR(OTHER(d)) ->
       PROMISE(ONE_WRITER, !APPLICATION_CAN(OTHER(d)));
       PROMISE(EXACTLY_ONCE, !db[OTHER(d)].triggers);                /* its effects are in the rows already */
       PROMISE(EXACTLY_ONCE, !(db[OTHER(d)].state == CLAIMED && db[OTHER(d)].positioned));  /* the return path would bring them back */
       add(OTHER(d), db[d].log[task[d].at]); task[d].at++ }
  /* it starts over from an older checkpoint: a follower takes rows again, an owner does not */
  :: atomic { task[d].running && task[d].at > 0 && DOOR(OTHER(d)) -> PROMISE(ONE_WRITER, !APPLICATION_CAN(OTHER(d))) }
  od
}

/* livemove.tick(), every second. A lease may be over at any moment */
proctype DeadMansSwitch(byte d) {
  do
#ifdef WITHOUT_SWITCH_UNDER_LOCK
  :: atomic { db[d].state == FENCED && !switch_saw[d] -> switch_saw[d] = 1 }
  :: atomic { switch_saw[d] -> switch_saw[d] = 0; if :: db[d].state == FENCED -> fence_gone(d) :: else fi; let_in(d) }
#else
#ifdef WITHOUT_LEVEL_TRIGGER
  :: atomic { db[d].state == FENCED -> fence_gone(d); let_in(d) }
#else
  :: atomic { db[d].state == FENCED -> fence_gone(d) }
#endif
#endif
#ifndef WITHOUT_LEVEL_TRIGGER
  :: atomic { db[d].state == OPEN && (db[d].locked || db[d].read_only || db[d].list) -> let_in(d) }
  :: atomic { SHUT(d) && (!db[d].locked || (d == SOURCE && !db[d].read_only)) -> db[d].locked = 1; db[d].read_only = (d == SOURCE) }
#endif
  :: atomic { db[d].state != FOLLOW && db[d].door -> db[d].door = 0 }
  od
}

/* mariadbd of the source starts anew: read_only is forgotten, the account lock is not; a COMMIT may have arrived */
#define crash_of(i) if :: server[i].session == SOURCE -> \
  if :: server[i].doing == COMMITS -> add(SOURCE, server[i].write) :: true fi; hang_up(i) :: else fi
proctype Restarts() {
  do
  :: atomic { db[SOURCE].read_only || !NO_SESSION(SOURCE) || db[SOURCE].body ->
       db[SOURCE].read_only = 0;
       if :: db[SOURCE].body == COMMITS -> PROMISE(ONE_WRITER, EVENTS_MAY(SOURCE)); add(SOURCE, db[SOURCE].body_write); acknowledge(db[SOURCE].body_write)
          :: true fi;
       db[SOURCE].body = IDLE; db[SOURCE].body_write = 0;
       crash_of(0)
#if SERVERS > 1
       ; crash_of(1)
#endif
     }
  od
}

proctype Promise1() { end: atomic { APPLICATION_CAN(SOURCE) && APPLICATION_CAN(TARGET) -> PROMISE(ONE_WRITER, false) } }

/* ------------------------------------------------------------------ one attempt: switchover/protocol.py, switchover/steps.py */
#define DIES :: may_die -> goto gone
#define DO(c, A, B) atomic { if DIES :: (c) -> A :: !(c) -> B fi }
#define MINE (db[f].state == FENCED && db[f].attempt == me)
#define AT(d, s, e) (db[d].state == (s) && db[d].epoch == (e))

#ifdef WITHOUT_GUARD_OF_FENCE
#define FENCE_GUARD true
#else
#define FENCE_GUARD MINE
#endif
#ifdef WITHOUT_GUARD_OF_LIFT
#define LIFT_GUARD true
#define lift(d) fence_gone(d); let_in(d)
#else
#define LIFT_GUARD MINE
#ifdef WITHOUT_LEVEL_TRIGGER
#define lift(d) fence_gone(d); let_in(d)
#else
#define lift(d) fence_gone(d)                  /* the rest of lift_fence is what the switch does: match_row */
#endif
#endif
#ifdef WITHOUT_GUARD_OF_OPEN
#define OPEN_GUARD true
#else
#define OPEN_GUARD AT(t, OPEN, E)
#endif
#ifdef WITHOUT_POSITION_ONCE
#define POSITION_GUARD true
#else
#define POSITION_GUARD (AT(t, CLAIMED, E) && !db[t].positioned)
#endif
#ifdef WITHOUT_DDL_GUARD
#define DDL_GUARD AT(t, CLAIMED, E)
#else
#define DDL_GUARD (AT(t, CLAIMED, E) && !db[t].positioned)
#endif
#ifdef WITHOUT_ROW_AS_TRUTH
#define COMMITTED && ledger >= f_epoch
#define LEDGER_BEHIND (f_state == CEDED && ledger < f_epoch)
#else
#define COMMITTED
#define LEDGER_BEHIND false
#endif

/* decisions.decide: f was read first, t is read now */
#define PICTURE(fs, ts, gap) (f_state == (fs) && db[t].state == (ts) && f_epoch == db[t].epoch + (gap))
#define STARTS (PICTURE(OPEN, FOLLOW, 0))
#define UNDOES (PICTURE(FENCED, FOLLOW, 0) || PICTURE(FENCED, CEDED, 0))
#define GOES_ON ((PICTURE(CEDED, FOLLOW, 1) || PICTURE(CEDED, CLAIMED, 0) || PICTURE(CEDED, OPEN, 0)) COMMITTED)
#define IS_DONE PICTURE(FOLLOW, OPEN, 0)
#define UNDOES_OTHER (PICTURE(CEDED, FENCED, 0) || PICTURE(FOLLOW, FENCED, 0))
#define FINISHES_OTHER (PICTURE(FOLLOW, CEDED, -1) || PICTURE(CLAIMED, CEDED, 0))
#define WAITS_FOR_RETURN_PATH PICTURE(OPEN, CEDED, 0)
/* of the guards: the replicator of this epoch runs */
#define REPLICATES (task[f].running && task[f].epoch == f_epoch)
#define forget_picture f_state = 0; f_epoch = 0

proctype Attempt(byte me; byte goal; bit may_die) {
  byte f, t, E, mark, k, f_state, f_epoch; bit other_way;
  t = goal; f = OTHER(goal);
look:
  atomic { if DIES :: true -> f_state = db[f].state; f_epoch = db[f].epoch fi };
  atomic { if DIES
  :: STARTS && REPLICATES -> E = f_epoch; forget_picture; goto start
  :: STARTS && !REPLICATES -> forget_picture; goto wait_for_return_path
  :: UNDOES -> forget_picture; goto undo
  :: GOES_ON -> E = f_epoch; forget_picture; goto go_on
  :: IS_DONE -> E = db[t].epoch; forget_picture; goto repoint
  :: UNDOES_OTHER -> forget_picture; goto undo_other
  :: FINISHES_OTHER -> E = db[t].epoch; forget_picture; t = OTHER(t); f = OTHER(f); other_way = 1; goto go_on
  :: WAITS_FOR_RETURN_PATH -> forget_picture; goto wait_for_return_path
#ifdef WITHOUT_ROW_AS_TRUTH
  :: f_state == CEDED && ledger < f_epoch -> forget_picture; goto not_in_the_ledger
#endif
  :: !(STARTS || UNDOES || GOES_ON || IS_DONE || UNDOES_OTHER || FINISHES_OTHER || WAITS_FOR_RETURN_PATH || LEDGER_BEHIND) -> forget_picture; goto refused               /* rows of two moments: look again later */
  fi };
#ifdef WITHOUT_ROW_AS_TRUTH
not_in_the_ledger:
  DO(db[f].state == CEDED && ledger < db[f].epoch, db[f].epoch = db[f].epoch - 1; fence_gone(f); let_in(f), skip);
  goto refused;
#endif
undo:                                               /* the fence of an attempt that died or lags; then read again */
  DO(db[f].state == FENCED, lift(f), skip);
  goto look;
undo_other:
  DO(db[t].state == FENCED, fence_gone(t), skip);
  goto look;
wait_for_return_path:                               /* refused; a task that is cleared when return_path is done reads again */
  atomic { if :: may_die -> goto gone
  :: !may_die && !(db[f].state == OPEN && !(AT(t, FOLLOW, db[f].epoch) && task[f].running && task[f].epoch == db[f].epoch)) -> goto look fi };
start:
  waiting = waiting | (1 << (E + 1));               /* 1 hold: repoint --when-open waits on every server */
#ifdef WITHOUT_LEASE_FIRST
  DO(true, db[f].locked = 1, skip);
#endif
  /* 2 arm: livemove.arm_fence */
  DO(AT(f, OPEN, E), db[f].state = FENCED; db[f].attempt = me; db[f].fence_complete = 0, goto refused);
  /* 3 fence: livemove.close_fence, until nobody is left */
#ifdef WITHOUT_ACCOUNT_LOCK
  DO(FENCE_GUARD, db[f].locked = (f != SOURCE), goto refused);
#else
  DO(FENCE_GUARD, db[f].locked = 1, goto refused);
#endif
  if :: f == SOURCE -> atomic { if DIES              /* SET GLOBAL read_only waits for commits */
        :: FENCE_GUARD && !ANY(IN_COMMIT, f) -> db[f].read_only = 1
        :: !(FENCE_GUARD) -> goto refused fi }
     :: f != SOURCE fi;
#ifndef WITHOUT_EVENTS_IN_THE_FENCE
  DO(FENCE_GUARD, disable_events(f), goto refused);
#endif
  DO(FENCE_GUARD, kill_all(f), goto refused);
#ifndef WITHOUT_WAITING_FOR_SESSIONS
#ifdef WITHOUT_WAITING_FOR_EVENTS
#define NOBODY(d) NO_SESSION(d)
#else
#define NOBODY(d) (NO_SESSION(d) && !db[d].body)
#endif
until_gone:
  atomic { if DIES :: !MINE -> goto refused
  :: MINE && NOBODY(f) -> db[f].fence_complete = 1
  :: MINE && (db[f].body == RUNS || ANY(HANGS_ON, f)) -> kill_all(f); goto until_gone fi };
#endif
  /* 4 drain: what the log holds now has arrived (drain.py says how that is known), or the budget is over */
  DO(FENCE_GUARD, mark = db[f].length, goto refused);
  atomic { if DIES :: task[f].at >= mark -> mark = 0 :: true -> mark = 0; goto abort fi };
#ifdef WITHOUT_TRIGGERS_LAST
  DO(true, db[t].triggers = 1, skip);
#endif
#ifdef WITHOUT_POSITION_AFTER_CLAIM
  DO(true, db[t].position = db[t].length, skip);
#endif
  /* 6 commit: livemove.cede. A lost answer is read from the row, as in `abort` */
#ifdef WITHOUT_COMPARE_AND_SET
  DO(MINE, skip, goto abort);
  DO(true, db[f].state = CEDED; E++; db[f].epoch = E; db[f].attempt = 0; db[f].fence_complete = 0, skip);
#else
  DO(MINE, db[f].state = CEDED; db[f].epoch = E + 1; db[f].attempt = 0; db[f].fence_complete = 0; E++, goto abort);
#endif
#ifdef WITHOUT_ROW_AS_TRUTH
  DO(true, ledger = E, skip);
#endif
#ifdef WITHOUT_GUARD_OF_LIFT
  if :: true -> skip :: true -> goto abort fi;       /* the answer was lost and is read as a no */
#endif
go_on:
  /* 7 claim: livemove.claim; open already: another attempt was here */
  DO(db[t].state != OPEN, skip, goto open);
  DO(AT(t, FOLLOW, E - 1) || AT(t, CLAIMED, E), if :: db[t].state == FOLLOW -> db[t].state = CLAIMED; db[t].epoch = E; db[t].positioned = 0; db[t].position = 0 :: else fi, goto refused);
#ifndef WITHOUT_SHUTTING_OUT
  DO(AT(t, CLAIMED, E), db[t].door = 0, goto refused);
#endif
  /* 8 prepare: counters, triggers, events to wake, while no position stands there; then the position, once */
#ifdef WITHOUT_DDL_GUARD
  DO(DDL_GUARD, PROMISE(EXACTLY_ONCE, !db[t].positioned); db[t].triggers = 1; db[t].list = db[t].list | db[f].list, skip);
#else
  DO(DDL_GUARD, db[t].triggers = 1; db[t].list = db[t].list | db[f].list
#ifdef WITHOUT_EVENTS_LAST
     ; db[t].events = 1
#endif
     , skip);
#endif
#ifndef WITHOUT_POSITION_AFTER_CLAIM
  DO(POSITION_GUARD, db[t].position = db[t].length; db[t].positioned = 1, skip);
#endif
#ifdef WITHOUT_DDL_BEFORE_POSITION
  DO(AT(t, CLAIMED, E), PROMISE(EXACTLY_ONCE, !db[t].positioned); db[t].triggers = 1, skip);
#endif
open:
  /* 9 open: livemove.open_database: the row, then accounts, then events */
#ifdef WITHOUT_POSITION_AFTER_CLAIM
  DO(AT(t, CLAIMED, E), db[t].state = OPEN, skip);
#else
  DO(AT(t, CLAIMED, E) && db[t].positioned, db[t].state = OPEN, skip);
#endif
  DO(OPEN_GUARD, db[t].locked = 0; db[t].read_only = 0, goto refused);
  DO(OPEN_GUARD, enable_events(t), goto refused);
repoint:
  /* 10 repoint: also told, because a waiter may have expired */
#ifndef WITHOUT_TELLING
  do
  :: k < SERVERS -> atomic { if DIES :: server[k].epoch < E -> server[k].told = server[k].told | (1 << E) :: server[k].epoch >= E fi; k++ }
  :: k == SERVERS -> break
  od;
  k = 0;
#endif
  atomic { if DIES :: ALL_MOVED(E) -> skip :: !AT(t, OPEN, E) -> goto refused fi };
  if :: last -> last_result = MOVED + other_way :: !last fi;
  goto gone;
abort:                                              /* A: livemove.lift_fence; a commit that arrived is gone on with */
  atomic { if DIES
  :: LIFT_GUARD -> lift(f)
#ifndef WITHOUT_GUARD_OF_LIFT
  :: !MINE && AT(f, CEDED, E + 1) -> E++; goto go_on
  :: !MINE && !AT(f, CEDED, E + 1) -> goto refused
#endif
  fi };
  goto gone;
refused:
  if :: last -> last_result = REFUSED :: !last fi;
gone:
  atomic { f = 0; t = 0; E = 0; mark = 0; other_way = 0; k = 0; may_die = 0; forget_picture; attempts_left-- }
}

/* ------------------------------------------------------------------ switchover/reverse_replication.py: steps 12 and 13 */
#ifdef WITHOUT_OPEN_BEFORE_RETURN
#define STANDING(o) (((db[OTHER(o)].epoch & 1) == (o)) && (db[OTHER(o)].state == CEDED || (db[OTHER(o)].state == FOLLOW && db[OTHER(o)].epoch > 0 && !(task[o].running && task[o].epoch == db[OTHER(o)].epoch))))
#define EPOCH_OF(o) db[OTHER(o)].epoch
#else
#define STANDING(o) (db[o].state == OPEN && db[OTHER(o)].epoch == db[o].epoch && (db[OTHER(o)].state == CEDED || (db[OTHER(o)].state == FOLLOW && !(task[o].running && task[o].epoch == db[o].epoch))))
#define EPOCH_OF(o) db[o].epoch
#endif
#ifdef WITHOUT_STARTING_ONCE
#define NOT_STARTED true
#else
#define NOT_STARTED (AT(f, FOLLOW, E) && task[t].epoch != E)
#endif
#define TRY(c, A) atomic { if :: may_die -> goto again :: (c) -> A :: !(c) -> skip fi }
proctype ReturnPath(bit may_die) {
  byte E, f, t;
again:
  atomic { E = 0; f = 0; t = 0; if
  :: may_die -> goto gone                           /* nobody retries it any more */
  :: STANDING(SOURCE) -> t = SOURCE; f = TARGET; E = EPOCH_OF(SOURCE)
  :: STANDING(TARGET) -> t = TARGET; f = SOURCE; E = EPOCH_OF(TARGET)
  fi };
  /* 12: triggers dropped, then livemove.follow: the list goes, the state, the door opens; the old task has stopped */
#ifndef WITHOUT_TRIGGERS_DROPPED
  TRY(AT(f, CEDED, E), db[f].triggers = 0);
#endif
#ifdef WITHOUT_EVENTS_ASLEEP
  TRY(AT(f, CEDED, E), db[f].events = 1; db[f].list = 0; db[f].state = FOLLOW; task[f].running = 0; db[f].door = 1);
#else
  TRY(AT(f, CEDED, E), db[f].list = 0; db[f].state = FOLLOW; task[f].running = 0; db[f].door = 1);
#endif
  /* 13: the task of this epoch, from the position the first time */
  TRY(NOT_STARTED, task[t].running = 1; task[t].at = db[t].position; task[t].epoch = E);
  goto again;
gone:
  skip
}

/* ------------------------------------------------------------------ the world, and what must hold when it rests */
init {
  atomic {
    db[SOURCE].state = OPEN; db[SOURCE].triggers = 1; db[SOURCE].events = 1;
    db[TARGET].state = FOLLOW; db[TARGET].locked = 1; db[TARGET].door = 1;
#ifdef WITHOUT_EVENTS_CREATED_DISABLED
    db[TARGET].events = 1;
#endif
    task[SOURCE].running = 1;
#if EVENT_WRITES > 0
    run Events(SOURCE); run Events(TARGET);
#endif
    byte i = 0;
    do :: i < SERVERS -> server[i].session = NONE; run Users(i); run Settings(i); i++ :: i == SERVERS -> i = 0; break od;
    run Replicator(SOURCE); run Replicator(TARGET); run DeadMansSwitch(SOURCE); run DeadMansSwitch(TARGET);
    run Restarts(); run Promise1();
#if RETURN_PATHS > 0
    run ReturnPath(1);
#endif
#if RETURN_PATHS > 1
    run ReturnPath(1);
#endif
    attempts_left = 2;
    run Attempt(1, TARGET, 1);
    run Attempt(2, BESIDE, 1)                        /* TARGET: a retry; SOURCE: a rollback */
  }
  /* when both are gone, nobody comes any more, or a last task that lives */
  atomic { attempts_left == 0 -> if
  :: last = 1; attempts_left = 1; last_goal = SOURCE; run Attempt(3, SOURCE, 0); run ReturnPath(0)
  :: last = 1; attempts_left = 1; last_goal = TARGET; run Attempt(3, TARGET, 0); run ReturnPath(0)
  :: true fi }
  atomic { timeout ->
    byte owner = NONE;
    if :: USERS_CAN(SOURCE) -> owner = SOURCE :: else -> if :: USERS_CAN(TARGET) -> owner = TARGET :: else fi fi;
    /* shut only after a commit, and only while nobody comes */
    PROMISE(NEVER_STUCK, owner != NONE || (!last && (db[SOURCE].state == CEDED || db[TARGET].state == CEDED)));
    PROMISE(NEVER_STUCK, owner == NONE || (db[owner].events && !db[OTHER(owner)].events));
    PROMISE(DONE_MEANS_DONE, attempts_left == 0 || last_result == 0);
    if :: last && last_result == MOVED ->
         PROMISE(DONE_MEANS_DONE, owner == last_goal && ALL_USE(last_goal));
         PROMISE(DONE_MEANS_DONE, db[OTHER(owner)].state == FOLLOW && task[owner].running && task[owner].epoch == db[owner].epoch)
       :: else fi;
    byte w = 0;
    if :: owner != NONE -> do
         :: w < WRITES ->
            PROMISE(EXACTLY_ONCE, db[owner].copies[w] <= 1);
            PROMISE(EXACTLY_ONCE, !(acknowledged & (1 << w)) || db[owner].copies[w] == 1);
            /* the follower has all of it too: the way back loses nothing */
            PROMISE(EXACTLY_ONCE, !(last && last_result == MOVED) || db[owner].copies[w] == db[OTHER(owner)].copies[w]);
            w++
         :: w == WRITES -> break od
       :: else fi
  }
}
