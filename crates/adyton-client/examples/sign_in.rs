//! A program that signs in once, and goes on where it was the next time.
//!
//! Beside `adyton serve`: `echo "the password" | cargo run --example sign_in -- http://localhost:8000
//! ada@example.com`; from then on without the password, until the session ends.

#![allow(clippy::print_stdout, reason = "it tells who is signed in, and where")]

use adyton_client::{Client, Error, File, Login};
use std::io::stdin;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(email)) = (arguments.next(), arguments.next()) else {
        return Err("say a URL and an e-mail".into());
    };
    let client = Client::builder(url.parse()?).storage(File::at("tokens.json")).build()?;

    let user = match client.user().await {
        Err(Error::SessionEnded(_) | Error::Refused(_)) => {
            let mut password = String::new();
            stdin().read_line(&mut password)?;
            let login = Login::new(email, password.trim_end()).device_name("The example");
            client.login(&login).await?.user
        }
        known => known?,
    };
    println!("{} is signed in at", user.name);
    for session in client.sessions().await? {
        let name = session.device_name.as_deref().unwrap_or("a device without a name");
        println!("- {name}{}", if session.current { ", which is here" } else { "" });
    }
    Ok(())
}
