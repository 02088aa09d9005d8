// What only Airflow knows: which tasks are at work this moment. Asked with the reader's own session; the page is whole without it.

// relative: Airflow may be served below a path of a proxy
const API = "../api/v2";
const WAITING = ["running", "deferred", "awaiting_input", "queued", "up_for_retry", "failed"];
export const NOTHING = { tasks: [], moving: false, asks: null, message: "" };

const base = new URL("..", location.href).pathname.replace(/\/$/, "");
export const links = {
  task: (dag, run, task, tail = "") => `${base}/dags/${encodeURIComponent(dag)}/runs/${encodeURIComponent(run)}/tasks/${encodeURIComponent(task)}${tail}`,
  follow,
};

/* Airflow's frame around this page does not let it lead the window elsewhere; a link of Airflow's own document may. */
function follow(event) {
  if (window.parent === window || event.ctrlKey || event.metaKey || event.shiftKey) return;
  try {
    const link = window.parent.document.createElement("a");
    link.href = event.currentTarget.href;
    window.parent.document.body.append(link);
    link.click();
    link.remove();
    event.preventDefault();
  } catch { /* framed by somebody else: the browser decides */ }
}

const DAGS = ["migrate", "rollback", "promote"];
const MOVES = ["switchover.switch_over", "rollback.writes", "promote"];

/* {tasks: [{name, id, dag, state, since}], moving, asks: is the question's task really waiting (null: not known), message} */
export async function live(service, run, question) {
  try {
    const runs = await worthAsking(service, run, question);
    const answers = await Promise.all(runs.map((r) => instances(r.dag_id, r.run_id).catch(closed)));
    const refusal = answers.find((a) => a instanceof Error);
    if (refusal && answers.every((a) => a instanceof Error)) throw refusal;
    const found = answers.flatMap((a) => (a instanceof Error ? [] : a));
    const tasks = found.map((t) => ({ name: name(t), id: t.task_id, dag: t.dag_id, state: t.state, since: t.start_date }));
    return { tasks: tasks.filter((t) => t.state !== "awaiting_input"), moving: tasks.some((t) => MOVES.includes(t.id) && t.state === "running"), asks: asks(question, runs, answers), message: "" };
  } catch (e) {
    return { ...NOTHING, message: `Airflow does not tell which tasks are at work: ${e.message}` };
  }
}

/* The run that is told, the one that asks, and whatever else of this migration is running: a rollback and an emergency are runs of their own. */
async function worthAsking(service, run, question) {
  const lists = await Promise.all(DAGS.map((d) => runsOf(`${d}_${service}`, "state=running").catch(closed)));
  const runs = [question, run, ...lists.flatMap((l) => (l instanceof Error ? [] : l))].filter(Boolean);
  if (!runs.length) {
    // before its first task has ended, only Airflow knows that there is a run
    const newest = await runsOf(`migrate_${service}`, "order_by=-run_after");
    runs.push(...newest);
  }
  return runs.filter((r, n) => runs.findIndex((o) => same(o, r)) === n);
}

const same = (a, b) => a.dag_id === b.dag_id && a.run_id === b.run_id;

function asks(question, runs, answers) {
  const answer = question ? answers[runs.findIndex((r) => same(r, question))] : null;
  return Array.isArray(answer) ? answer.some((t) => t.task_id === question.task_id && t.state === "awaiting_input") : null;
}

/* What this reader may not see, or Airflow has forgotten, leaves the rest to be told; anything else is no answer at all. */
function closed(e) {
  if ([403, 404].includes(e.status)) return e;
  throw e;
}

function name(t) {
  return t.rendered_map_index ? `${t.task_display_name} · ${t.rendered_map_index}` : t.task_display_name;
}

const ask = async (path) => {
  const answer = await fetch(`${API}/${path}`);
  if (!answer.ok) throw Object.assign(new Error(`it answers ${answer.status}`), { status: answer.status });
  return answer.json();
};

async function runsOf(dag, which) {
  const found = (await ask(`dags/${encodeURIComponent(dag)}/dagRuns?limit=1&${which}`)).dag_runs;
  return found.map((r) => ({ dag_id: dag, run_id: r.dag_run_id }));
}

async function instances(dag, run) {
  const states = WAITING.map((s) => `state=${s}`).join("&");
  return (await ask(`dags/${encodeURIComponent(dag)}/dagRuns/${encodeURIComponent(run)}/taskInstances?limit=30&${states}`)).task_instances.map((t) => ({ ...t, dag_id: dag }));
}
