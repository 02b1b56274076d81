use super::{NOW, abandon, anna, open, user};
use ponte_gateway::config::Config;
use ponte_gateway::store::StoreError;
use ponte_protocol::{Availability, CallProfile, CallRules, CallSettings, Presence};
use std::path::Path;

fn presence(availability: Availability) -> Presence {
    Presence {
        availability,
        status: "Fino alle 18 — «da casa»".to_owned(),
        status_until: Some(NOW.plus(60_000)),
        since: NOW,
        on_call: false,
    }
}

#[tokio::test]
async fn t12_presence_and_call_settings_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.add_user(user("anna", "201")).await.unwrap();
    store.add_user(user("bruno", "202")).await.unwrap();
    let users = store.versions().await.unwrap();
    let settings = CallSettings {
        no_answer_ms: 25_000,
        voicemail: false,
        call_waiting: false,
    };
    drop(store.save_call_settings(anna(), CallSettings::default()));
    store.save_call_settings(anna(), settings.clone()).await.unwrap();
    drop(store.save_presence(anna(), presence(Availability::Away)));
    let on_call = Presence {
        on_call: true,
        ..presence(Availability::DoNotDisturb)
    };
    store.save_presence(anna(), on_call).await.unwrap();
    let stranger = store
        .save_presence("carla".parse().unwrap(), Presence::default())
        .await;
    assert!(matches!(stranger, Err(StoreError::UnknownUser(_))));
    assert_eq!(
        store.versions().await.unwrap(),
        users,
        "what the gateway itself writes is no news to it"
    );
    abandon(folder.path(), store).await;

    let store = open(folder.path()).await;
    assert_eq!(store.call_settings().await.unwrap(), [(anna(), settings)]);
    assert_eq!(
        store.presences().await.unwrap(),
        [(anna(), presence(Availability::DoNotDisturb))]
    );
    store.remove_user(anna()).await.unwrap();
    assert_eq!(store.call_settings().await.unwrap(), []);
    assert_eq!(store.presences().await.unwrap(), []);
}

#[tokio::test]
async fn rules_and_profiles_survive_and_go_with_the_user() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.add_user(user("anna", "201")).await.unwrap();
    let rules = CallRules {
        exceptions: vec!["202".parse().unwrap()],
        ..CallRules::default()
    };
    let mut profile = CallProfile::built_in().remove(1);
    profile.do_not_disturb = true;
    let own = CallProfile {
        name: "train".to_owned(),
        ..profile.clone()
    };
    store.save_call_rules(anna(), rules.clone()).await.unwrap();
    for saved in [&own, &profile, &own] {
        store.save_profile(anna(), saved.clone()).await.unwrap();
    }
    let stranger = store
        .save_profile("carla".parse().unwrap(), profile.clone())
        .await;
    assert!(matches!(stranger, Err(StoreError::UnknownUser(_))));
    abandon(folder.path(), store).await;

    let store = open(folder.path()).await;
    assert_eq!(store.call_rules().await.unwrap(), [(anna(), rules)]);
    assert_eq!(store.profiles().await.unwrap()[&anna()], [profile.clone(), own]);
    store.delete_profile(anna(), "train".to_owned()).await.unwrap();
    assert_eq!(store.profiles().await.unwrap()[&anna()], [profile]);
    store.remove_user(anna()).await.unwrap();
    assert_eq!(store.call_rules().await.unwrap(), []);
    assert!(store.profiles().await.unwrap().is_empty());
}

#[test]
fn what_is_kept_of_a_user_reaches_portal_and_call_control() {
    let text = "[site]\nname = \"x\"\ncountry = \"IT\"\n[[trunk]]\nname = \"c\"\naddress = \"192.0.2.1\"\n";
    let site = Config::parse(text, Path::new("ponte.toml"), &|_| None)
        .unwrap()
        .site;
    let mut row = user("anna", "201");
    row.call_waiting_allowed = false;
    row.administrator = true;
    let profile = row.profile(&site);
    assert!(profile.voicemail_allowed && profile.administrator && !profile.call_waiting_allowed);
    let settings = CallSettings {
        no_answer_ms: 25_000,
        ..CallSettings::default()
    };
    for (availability, undisturbed) in [
        (Availability::Available, false),
        (Availability::Busy, false),
        (Availability::DoNotDisturb, true),
    ] {
        let config = row.switch_config(&site, &settings, &presence(availability), NOW);
        assert_eq!(config.settings, settings);
        assert_eq!(config.do_not_disturb, undisturbed);
        assert_eq!(config.profile, profile);
    }
}
