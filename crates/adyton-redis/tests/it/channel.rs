//! What nodes hear of each other, and what they hear after a loss.

use crate::world::{Server, connect, given, prefix, wait_for};
use adyton_core::channel::{About, Channel, Mark};
use adyton_core::user::UserId;
use adyton_redis::{Redis, RedisChannel};

/// A node that remembers how far it has heard.
struct Node {
    channel: RedisChannel,
    mark: Option<Mark>,
}

impl Node {
    fn of(redis: &Redis) -> Self {
        Self { channel: redis.channel(), mark: None }
    }

    async fn hears(&mut self) -> About {
        let news = self.channel.news(self.mark.clone()).await.unwrap();
        self.mark = Some(news.mark);
        news.about
    }

    async fn says(&self, user: i64) {
        self.channel.announce(UserId(user)).await.unwrap();
    }
}

fn users<const N: usize>(ids: [i64; N]) -> About {
    About::Users(ids.map(UserId).to_vec())
}

#[tokio::test]
async fn a_node_hears_what_others_and_itself_announce() {
    let Some(url) = given("ADYTON_TEST_REDIS_URL") else { return };
    let prefix = prefix();
    let mut a = Node::of(&connect(&url, &prefix).await);
    let mut b = Node::of(&connect(&url, &prefix).await);
    assert_eq!((a.hears().await, b.hears().await), (About::Anybody, About::Anybody));
    assert_eq!((a.hears().await, b.hears().await), (users([]), users([])));
    a.says(7).await;
    b.says(-8).await;
    assert_eq!((a.hears().await, b.hears().await), (users([-8, 7]), users([-8, 7])));
    assert_eq!(b.hears().await, users([]));
    for user in 0..1001 {
        a.says(user).await;
    }
    assert_eq!(b.hears().await, About::Anybody, "more than the log keeps");
    assert_eq!(b.hears().await, users([]));
}

#[tokio::test]
async fn a_memory_that_was_emptied_is_another_although_it_counts_as_far() {
    let Some(server) = Server::start() else { return };
    let mut node = Node::of(&Redis::connect(&server.url()).await.unwrap());
    node.says(1).await;
    node.hears().await;
    assert_eq!(node.hears().await, users([]));
    server.command(&["FLUSHALL"]);
    node.says(2).await;
    assert_eq!(node.mark.as_ref().unwrap().count, 1);
    assert_eq!(node.hears().await, About::Anybody);
    assert_eq!(node.mark.as_ref().unwrap().count, 1, "the count alone tells nothing");
    server.command(&["DEL", "{adyton}:changed"]);
    node.says(3).await;
    server.command(&["DEL", "{adyton}:changed"]);
    assert_eq!(node.hears().await, About::Anybody, "a log that lacks something");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_restarted_from_an_older_state_is_another() {
    let Some(mut server) = Server::start() else { return };
    let redis = Redis::connect(&server.url()).await.unwrap();
    let mut node = Node::of(&redis);
    node.says(1).await;
    node.hears().await;
    server.command(&["SAVE"]);
    node.says(2).await;
    node.says(3).await;
    server.kill9();
    wait_for("the loss", || !redis.is_reachable());
    assert!(node.channel.news(node.mark.clone()).await.is_err() && !node.channel.is_reachable());
    server.again();
    wait_for("the connection", || redis.is_reachable());
    assert_eq!(node.hears().await, About::Anybody);
    assert_eq!(node.mark.as_ref().unwrap().count, 1, "it has lost what came later");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_announced_is_announced_before_anything_else() {
    let Some(server) = Server::start() else { return };
    let redis = Redis::connect(&server.url()).await.unwrap();
    let mut node = Node::of(&redis);
    node.hears().await;
    server.signal("STOP");
    for user in [1, 2, 3] {
        assert!(node.channel.announce(UserId(user)).await.is_err());
    }
    server.signal("CONT");
    wait_for("the connection", || redis.is_reachable());
    let About::Users(heard) = node.hears().await else { panic!("it is the same memory") };
    for user in [1, 2, 3] {
        assert!(heard.contains(&UserId(user)), "{heard:?}");
    }
}

#[tokio::test]
async fn a_replica_tells_no_news() {
    let Some(server) = Server::start() else { return };
    let mut node = Node::of(&Redis::connect(&server.url()).await.unwrap());
    node.hears().await;
    server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    assert!(node.channel.news(node.mark.clone()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_a_cluster_hear_each_other_too() {
    let Some(server) = Server::start_cluster() else { return };
    let url = server.url().replace("redis://", "redis+cluster://");
    let (a, b) = (connect(&url, "x").await, connect(&url, "x").await);
    let (a, mut b) = (Node::of(&a), Node::of(&b));
    b.hears().await;
    a.says(7).await;
    assert_eq!(b.hears().await, users([7]));
}
