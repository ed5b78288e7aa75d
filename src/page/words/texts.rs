//! Which texts the page has. Each language gives all of them.

macro_rules! words {
    ($($name:ident),+ $(,)?) => {
        /// The texts of one language.
        pub struct Words {
            $(pub $name: &'static str,)+
        }

        #[cfg(test)]
        impl Words {
            /// Each name with its text.
            pub(super) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name)),+]
            }
        }
    };
}

words! {
    // The frame.
    events, alerts, skip_to_content, keyboard_help, language, log_out,
    key_search, key_next, key_previous, key_open, key_help, close,
    // The filter bar.
    search, search_text, when, when_hint, add_condition, value, remove, conditions,
    columns, clear, download, last_hour, last_day, last_week, last_month, all_time,
    // Columns and conditions.
    time, actor, operation, resource, outcome, origin, service, product, environment, account, activity,
    access_key, client, event_id, request_id, access, resource_type, sensitivity, status, address, rule, level,
    reason, text, filter,
    // Lists.
    no_whole_event, topics_left_out, topics_alone, live, paused, new_events, older, newest, no_events, no_events_hint, no_alerts, no_alerts_hint, events_per, minute, hour, day,
    week, month, counted,
    // Profiles.
    last, all_its_events, grants_given, grants_received, grants_looked_for, profile_waiting, new_value, and_more, country, actor_id, actor_email, actor_type, about_actor, about_resource,
    // Sources.
    sources, no_sources, no_ledger, dead_letters, no_dead_letters, records, gaps, days_read, day_read, day_gap, day_letters, day_none, detail, preview, retry_hint,
    not_verified, day_complete, day_altered, verify, verify_hint, complete_and_unaltered, not_complete,
    faults, more_faults, took, is_verifying, is_verifying_hint, no_such_day, no_such_day_hint, nothing_to_verify, nothing_to_verify_hint, not_verifiable,
    // Retries of dead letters.
    retry, retry_all, retry_all_hint, was_retried, can_be_retried, cannot_be_retried, obstacle_cut, obstacle_alert, obstacle_output,
    obstacle_source, obstacle_archived, retry_of_letters, all_with_reason, became, dropped, its_parts, stays, count_retried, count_before,
    count_left, count_parts, count_waiting, letters_not_listed, no_such_letter, no_such_letter_hint, is_retrying,
    is_retrying_hint, not_all_retried, retry_again, retry_outputs, retry_id_rights, letters_hidden, letters_hidden_hint,
    lag, lag_records, lag_seconds, partition, position, end, last_read, as_of,
    no_position, past_the_end, expired, other_topic, kafka_is_silent, kafka_refuses,
    // Details.
    details, record, alerts_raised, no_alerts_raised, events_behind, neighbours, same_actor, same_resource,
    same_request, same_address, ten_minutes, copy, copied, find_in_record, terminal_line,
    // Alerts.
    incidents, first, count, why, more_reasons, what_to_do,
    // Triage.
    newer, incidents_in_all, select, with_selected, as_it_is, save, take_over, all, state, state_open, state_new,
    state_in_progress, state_resolved, state_false_positive, state_expected, assignee, nobody, comment, triage,
    history, no_history, earlier_changes, event, false_positives, suppression, suppression_hint, no_suppression, suppression_hidden, comments_hidden,
    alerts_not_read, changed_meanwhile, some_changed, not_written, maybe_written, triage_not_read,
    triage_being_read, only_newest_alerts, nothing_selected, nothing_to_change, too_long, no_incident, incident, changes, show_changes,
    // Rules.
    rules, rules_in_force, rule_source, tests, no_tests, tests_not_read, alerts_per_day, of_weeks, by_level, by_alerts,
    by_title, order, disabled, in_force, suppressions, built_in, coverage, coverage_hint, technique, all_techniques,
    only_with, all_rules, no_rules, no_such_rule, no_such_rule_hint, its_alerts, its_events, newest_alerts,
    rule_as_yaml, group_by, try_rule, try_it, try_hint, days_back, try_button, try_filters, rule_has_faults, rule_line,
    rule_days_wrong, tried_matches, tried_incidents, tried_incidents_more, tried_suppressed, tried_events, tried_whole,
    tried_part, tried_part_of_day, tried_nothing, tried_hidden, tried_experimental, tried_also, tried_newest, tried_none,
    from_day, until_now, trying,
    // Faults.
    not_found, not_found_hint, cannot_be_read, fault_when, no_time, fault_other, unavailable, back,
    // Logins.
    log_in, log_in_first, token, wrong_token, too_early, logged_out, provider_is_down, provider_refuses,
    login_took_long, login_failed, no_role, no_role_hint, not_by_proxy, not_by_proxy_hint, may_not, needs_role,
    your_role, who_may, role, may, groups, hidden_by, may_read, may_decide, may_verify, everybody, way_none, way_provider,
    way_header, way_token, session_lasts, session_idle, what_people_did, form_is_old, form_is_old_hint, not_recorded, not_recorded_hint,
}
