//! What keys do.
use super::rows::Row;
use super::state::State;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use serde_json::json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Up,
    Down,
    Help,
    Quit,
    Order(Verb),
}

/// What may be done to a devnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Kill,
    Restart,
    Stop,
    Tick,
    Partition,
    Heal,
}

/// What a key asks for. A letter with Ctrl or Alt is another key: Ctrl-S restarts nobody.
pub(crate) fn action(key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key
        .modifiers
        .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
    {
        let ends = key.modifiers == KeyModifiers::CONTROL
            && matches!(key.code, KeyCode::Char('c' | 'd' | '\\'));
        return ends.then_some(Action::Quit);
    }
    Some(match key.code {
        KeyCode::Up | KeyCode::Left => Action::Up,
        KeyCode::Down | KeyCode::Right => Action::Down,
        KeyCode::Char('?') => Action::Help,
        KeyCode::Char('q') => Action::Quit,
        KeyCode::Char('k') => Action::Order(Verb::Kill),
        KeyCode::Char('r') => Action::Order(Verb::Restart),
        KeyCode::Char('s') => Action::Order(Verb::Stop),
        KeyCode::Char('t') | KeyCode::Enter => Action::Order(Verb::Tick),
        KeyCode::Char('p') => Action::Order(Verb::Partition),
        KeyCode::Char('h') => Action::Order(Verb::Heal),
        _ => return None,
    })
}

/// The request of an order: its path, its body, and who takes it. Any node of a devnet takes orders
/// for all.
pub(crate) fn request(
    state: &State,
    rows: &[Row],
    verb: Verb,
) -> Result<(usize, &'static str, String), String> {
    let Some(devnet) = &state.devnet else {
        return Err("only a devnet takes orders".into());
    };
    let chosen = || {
        let row = rows.get(state.selected);
        let index = row.and_then(|row| row.index);
        index.ok_or_else(|| "this row is no node of the devnet".to_owned())
    };
    let node = |index: usize| json!({ "node": index });
    let (path, body) = match verb {
        Verb::Kill => ("/devnet/kill", node(chosen()?)),
        Verb::Restart => ("/devnet/restart", node(chosen()?)),
        Verb::Stop => ("/devnet/stop", node(chosen()?)),
        Verb::Tick => ("/devnet/tick", json!({})),
        Verb::Heal => ("/devnet/heal", json!({})),
        Verb::Partition => {
            let all: Vec<usize> = devnet.nodes.iter().map(|node| node.index).collect();
            if all.len() < 2 {
                return Err("one node alone cannot be cut".into());
            }
            let (one, other) = all.split_at(all.len().div_ceil(2));
            ("/devnet/partition", json!({ "groups": [one, other] }))
        }
    };
    let target = body["node"].as_u64().and_then(|_| rows.get(state.selected));
    let is_target = |url: &str| target.is_some_and(|row| row.url == url);
    let nodes = state.nodes.iter().enumerate();
    let here = nodes.filter(|(_, node)| node.is_here());
    // Who is to end answers, too, but whoever stays answers surely.
    let taker = here.min_by_key(|(place, node)| (is_target(&node.url), *place));
    let (taker, _) = taker.ok_or("no node is there that takes orders")?;
    Ok((taker, path, body.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::rows::{Now, rows};
    use super::super::samples;
    use super::*;

    #[test]
    fn keys_with_ctrl_order_nothing_and_some_of_them_leave() {
        let key = |code, modifiers| action(KeyEvent::new(code, modifiers));
        for c in ['k', 'r', 's', 't', 'p', 'h', 'q'] {
            assert_eq!(key(KeyCode::Char(c), KeyModifiers::CONTROL), None, "{c}");
            assert!(key(KeyCode::Char(c), KeyModifiers::NONE).is_some(), "{c}");
        }
        let quit = key(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(quit, Some(Action::Quit));
    }

    #[test]
    fn orders_name_the_chosen_node_and_go_to_another_that_is_there() {
        let mut state = samples::alive();
        let all = rows(&state, Now::default());
        state.selected = 0;
        let (taker, path, body) = request(&state, &all, Verb::Kill).expect("it may be killed");
        assert_eq!(
            (taker, path, body.as_str()),
            (1, "/devnet/kill", r#"{"node":0}"#)
        );
        let (taker, path, body) = request(&state, &all, Verb::Partition).expect("it may be cut");
        let halves = r#"{"groups":[[0,1],[2,3]]}"#;
        assert_eq!(
            (taker, path, body.as_str()),
            (0, "/devnet/partition", halves)
        );
    }

    #[test]
    fn what_is_no_devnet_takes_no_orders() {
        let mut state = samples::alive();
        state.devnet(None);
        let all = rows(&state, Now::default());
        for verb in [Verb::Kill, Verb::Tick, Verb::Heal] {
            assert!(request(&state, &all, verb).is_err());
        }
    }
}
